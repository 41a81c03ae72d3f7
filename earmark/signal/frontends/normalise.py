"""Zero mean and unit deviation: of each clip, or by statistics of the training data."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.errors import RunError
from earmark.core.manifest import ORIGINS
from earmark.dsp.padding import padding_zeroed
from earmark.signal.frontends.exact import Exact, ToFeatures
from earmark.signal.frontends.moments import Moments
from earmark.signal.step import FrontEnd, Spec

# Below any deviation that float32 features have; keeps the gradient of a square root finite at zero.
_TINY = 1e-20


class Normalise(FrontEnd, kind="normalise"):
    """``(x - mean) / (std + eps)``, with statistics over signal frames and never over padding.

    What does not vary (silence) becomes zeros. Statistics *of the training data* (global, origin) are learned by the
    built module from batches, and travel with its state. A clip's own statistics need no learning, and act as an
    augmentation when they come after one.

    With statistics of each origin, what is tagged counts as curated, whether it is a test clip, a file or a stream:
    nobody says where it comes from, and curated clips are those that are like it. Noisy clips of a data folder are
    heard as noisy ones, where they are guessed for cleaning, say. An origin that no stream of the training had takes
    what all clips of the training have in common.
    """

    over: Literal["none", "clip", "global", "origin"] = "clip"
    """Whose statistics: none at all, of each clip, of all training clips, or of the training clips of its origin."""
    per_band: bool | Literal["mean"] = False
    """Whether each band has its own mean and deviation, or only its own mean. With statistics of the data the latter
    is the normalisation of J. Ebbers and R. Haeb-Umbach (2019): bands keep how much they move beside one another."""
    eps: Annotated[float, Field(ge=0)] = 1e-7
    """Added to the standard deviation."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        return Spec("features", spec.rate_hz, spec.n_channels, spec.n_bands)

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        if self.over == "none":
            return _AsItIs()
        if self.over == "clip":
            return _ByClip(self)
        return _ByData(self, spec)


class _AsItIs(Exact):
    def transformed(self, batch: Batch) -> Batch:
        return batch.changed(domain="features")


class _ByClip(ToFeatures):
    def __init__(self, settings: Normalise) -> None:
        super().__init__()
        self.per_band = settings.per_band
        self.eps = settings.eps

    def features(self, values: Tensor, lengths: Tensor | None, origins: Tensor) -> Tensor:
        n_frames = values.shape[3] if lengths is None else lengths.view(-1, 1, 1, 1)
        # Less a value of its own, a clip that does not vary is exactly zero before anything is rounded.
        first = values[:, :, :, :1] if self.per_band else values[:, :, :1, :1]
        apart = _signal(values - first, lengths)
        apart = _signal(apart - _mean(apart, n_frames, bool(self.per_band)), lengths)
        variance = _mean(apart.square(), n_frames, self.per_band is True)
        return apart / (variance.clamp(min=_TINY).sqrt() + self.eps)


def _mean(values: Tensor, n_frames: int | Tensor, per_band: bool) -> Tensor:
    """Over so many frames of each clip, of each band or of all; values are zero behind them."""
    if per_band:
        return values.sum(3, keepdim=True) / n_frames
    return values.sum((2, 3), keepdim=True) / (n_frames * values.shape[2])


def _signal(values: Tensor, lengths: Tensor | None) -> Tensor:
    return values if lengths is None else padding_zeroed(values, lengths)


class _ByData(ToFeatures):
    """Learns by ``update`` from batches and ``finish``; an origin that was not among them gets what all share."""

    mean: Tensor
    std: Tensor
    fitted: Tensor

    def __init__(self, settings: Normalise, spec: Spec) -> None:
        super().__init__()
        self.per_band = settings.per_band
        self.eps = settings.eps
        self.n_groups = len(ORIGINS) if settings.over == "origin" else 1
        for name, own in (("mean", bool(self.per_band)), ("std", self.per_band is True)):
            shape = (self.n_groups, spec.n_channels, spec.n_bands if own else 1, 1)
            self.register_buffer(name, torch.zeros(shape) if name == "mean" else torch.ones(shape))
        self.register_buffer("fitted", torch.tensor(False))
        self._seen: Moments | None = None
        self._ready = False

    def update(self, batch: Batch) -> None:
        """Take in what comes to this step: one more batch of training clips."""
        groups = batch.origins if self.n_groups > 1 else torch.zeros_like(batch.origins)
        moments = Moments.of(batch.values, batch.lengths, groups, self.n_groups, bool(self.per_band))
        self._seen = moments if self._seen is None else self._seen.joined(moments)

    def finish(self) -> None:
        """Turn what was seen since the last time into the statistics in use.

        Raises:
            RunError: nothing was seen.
        """
        if self._seen is None or not bool(self._seen.n.sum() > 0):
            raise RunError("normalise was to learn its statistics from training clips, but got none; give it batches")
        known = self._seen.filled()
        self.mean.copy_(known.mean)
        self.std.copy_(known.std.square().mean(2, keepdim=True).sqrt() if self.per_band == "mean" else known.std)
        self.fitted.fill_(True)
        self._seen = None

    def features(self, values: Tensor, lengths: Tensor | None, origins: Tensor) -> Tensor:
        # Asked of the device until it once says yes: later steps do not wait for it.
        self._ready = self._ready or bool(self.fitted)
        if not self._ready:
            raise RunError("normalise has no statistics of the training data yet; fit the view on training batches")
        groups = origins if self.n_groups > 1 else torch.zeros_like(origins)
        return (values - self.mean[groups]) / (self.std[groups].clamp(min=_TINY) + self.eps)
