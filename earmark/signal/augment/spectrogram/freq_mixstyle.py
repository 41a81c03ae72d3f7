"""The colour of one recording on the sound of another."""

from typing import NamedTuple

import torch
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.padding import padding_zeroed
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.shares.beta import Beta
from earmark.signal.augment.mixing.shares.share import Share
from earmark.signal.step import Spec

_FLOOR = 1e-6
"""Added to variances, so that a band that never moves can be scaled."""


class FreqMixstyleNumbers(NamedTuple):
    """The share of its own style that each clip keeps."""

    share: Tensor


class FreqMixstyle(Mixing, kind="freq_mixstyle"):
    """Each band's mean and deviation over time are mixed with those of another clip; labels stay as they are.

    Freq-MixStyle (B. Kim et al., 2022; F. Schmid et al., 2022): how loud each band is and how much it moves tells more
    of the device and the room than of the sound. Statistics are those of each channel and band over the clip's own
    frames. It takes features, where a logarithm has made a device's response a shift.
    """

    share: Share = Beta(alpha=0.3)
    """How much of its own style a clip keeps."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "features")

    def numbers(self, n: int, chance: torch.Generator) -> FreqMixstyleNumbers:
        return FreqMixstyleNumbers(self.share.draw(n, chance))

    def mixed(self, own: Batch, mate: Batch, numbers: FreqMixstyleNumbers) -> Batch:
        def restyle(values: Tensor, lengths: Tensor, others: Tensor, theirs: Tensor, share: Tensor) -> Tensor:
            mean, centred, deviation = _style(values, lengths if own.padded else None)
            other_mean, _, other_deviation = _style(others, theirs if own.padded else None)
            scale = torch.lerp(other_deviation, deviation, share) / deviation
            values = torch.addcmul(torch.lerp(other_mean, mean, share), centred, scale)
            return padding_zeroed(values, lengths) if own.padded else values

        share = numbers.share.to(own.values.dtype).view(-1, 1, 1, 1)
        return own.changed(values=few_at_once(restyle, own.values, own.lengths, mate.values, mate.lengths, share))


def _style(values: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Mean over a clip's frames, its values without it, and their standard deviation."""
    n = values.shape[3] if lengths is None else lengths.clamp(min=1).view(-1, 1, 1, 1)
    mean = values.sum(dim=3, keepdim=True) / n
    centred = values - mean
    if lengths is not None:
        centred = padding_zeroed(centred, lengths)
    return mean, centred, (centred.square().sum(dim=3, keepdim=True) / n + _FLOOR).sqrt()
