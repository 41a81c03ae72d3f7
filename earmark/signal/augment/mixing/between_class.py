"""Two sounds in one as loud as one another."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.loudest import loudest_db
from earmark.signal.augment.mixing.labels import Labels, labels_of
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.places import along
from earmark.signal.augment.mixing.shares.beta import Beta
from earmark.signal.augment.mixing.shares.share import Share
from earmark.signal.step import Spec


class BetweenClassNumbers(NamedTuple):
    """The share r that each clip keeps itself."""

    share: Tensor


class BetweenClass(Mixing, kind="between_class"):
    """Mixing of waves where the share is one of loudness, not of amplitude (Y. Tokozume et al., 2018).

    ``(t · clip + (1 - t) · partner) / sqrt(t² + (1 - t)²)`` with ``t = 1 / (1 + 10^((g1 - g2) / 20) · (1 - r) / r)``,
    where g1 and g2 are the levels of the two at their loudest, in decibels, and r is the share. The root keeps the
    power of sounds that have nothing to do with each other. Without the weighting of frequencies of the paper, as
    O. Akiyama and J. Sato (2019) have it.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The chance that a clip is mixed."""
    share: Share = Beta()
    """How much of itself a clip keeps, r."""
    labels: Labels = "linear"
    """Targets mixed by the share, or present wherever either clip has them."""
    window_s: Annotated[float, Field(gt=0)] = 0.09288
    """The windows in which the level is taken, half of one apart: 4096 samples at 44.1 kHz."""
    legacy: bool = False
    """As the published program of Akiyama and Sato ran: the sound is mixed with itself, and so is merely louder, while
    its labels are mixed with the partner's."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        if self.window_s * spec.rate_hz < 2:
            raise SettingsError(
                f"a window of {self.window_s:g} s is less than two samples at {spec.rate_hz:g} Hz; raise window_s"
            )
        return spec

    def numbers(self, n: int, chance: torch.Generator) -> BetweenClassNumbers:
        return BetweenClassNumbers(self.share.draw(n, chance))

    def mixed(self, own: Batch, mate: Batch, numbers: BetweenClassNumbers) -> Batch:
        heard = own if self.legacy else mate
        share, n_window = numbers.share, 2 * round(self.window_s * own.rate_hz / 2)
        level, other = (loudest_db(each.values.float(), each.lengths, n_window) for each in (own, heard))
        t = share / (share + 10.0 ** ((level - other) / 20.0) * (1.0 - share))
        norm = (t.square() + (1.0 - t).square()).sqrt()
        values = along(t / norm, own.values) * own.values + along((1.0 - t) / norm, own.values) * heard.values
        return own.changed(
            values=values.to(own.values.dtype),
            lengths=torch.maximum(own.lengths, heard.lengths),
            **labels_of(own, mate, self.labels, share),
        )
