"""White noise in a spectrogram."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp import hashed
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.padding import padding_zeroed
from earmark.signal.augment.laws import hits, seeds, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class SpectrogramNoiseDraw(NamedTuple):
    """Whether a clip gets noise [batch], its signal-to-noise ratio in dB [batch], and the seed of its noise
    [batch, 2]."""

    hit: torch.Tensor
    snr_db: torch.Tensor
    seed: torch.Tensor


class SpectrogramNoise(Augment, kind="spectrogram_noise"):
    """Noise that is equally strong in all bands and frames, at a random ratio of the signal's power to its own.

    O. Akiyama and J. Sato (2019) tried noise on power and left it out. Its power in each cell is of the exponential
    law, as that of Gaussian noise is in a bin of a spectrum, and it is added to the power of the signal, whatever the
    phases; magnitudes are squared for that. White noise in a wave is of even level, as here, where the mel
    filters are of equal area (the default), but is smoother in wide bands. Silence stays silent.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip gets noise."""
    low_db: float = 10.0
    """The smallest ratio of all power of the clip's picture to all power of the noise."""
    high_db: float = 40.0
    """The largest ratio; all in between are as likely."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low_db", "high_db"))

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "power", "magnitude")

    def draw(self, batch: Batch, chance: torch.Generator) -> SpectrogramNoiseDraw:
        n = len(batch)
        return SpectrogramNoiseDraw(
            hits(self.p, n, chance),
            uniform(self.low_db, self.high_db, n, chance),
            seeds(n, chance),
        )

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = SpectrogramNoiseDraw(*draw)
        return on_rows(batch, drawn.hit, drawn, _noisy)


def _noisy(batch: Batch, draw: SpectrogramNoiseDraw) -> Batch:
    snr_db, seed = (part.to(batch.values.device, non_blocking=True) for part in draw[1:])

    def add(values: Tensor, lengths: Tensor, snr_db: Tensor, seed: Tensor) -> Tensor:
        noise = _exponential(seed, values.shape)
        noise = padding_zeroed(noise, lengths) if batch.padded else noise
        power = values if batch.domain == "power" else values.square()
        ratio = power.sum(dim=(1, 2, 3)) / noise.sum(dim=(1, 2, 3)).clamp(min=1e-12) / 10.0 ** (snr_db / 10.0)
        power = torch.addcmul(power, noise, ratio.view(-1, 1, 1, 1))
        if batch.domain == "power":
            return power
        # The clamp keeps the slope finite where there is nothing, and there nothing stays.
        return power.clamp(min=1e-30).sqrt() * (power > 0)

    return batch.changed(values=few_at_once(add, batch.values, batch.lengths, snr_db, seed))


def _exponential(seed: Tensor, shape: torch.Size) -> Tensor:
    """Numbers of the exponential law for pictures, the same for each seed however many frames there are."""
    n, channels, bands, frames = shape
    even = hashed.uniform(seed, frames * channels * bands).view(n, frames, channels, bands)
    return -torch.log1p(-even).permute(0, 2, 3, 1).contiguous()
