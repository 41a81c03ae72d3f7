"""Pictures with their bands stretched or squeezed, as by another vocal tract."""

from functools import partial
from typing import Annotated, NamedTuple

import torch
from pydantic import Field

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.warping import FREQ, bent, between
from earmark.signal.augment.laws import hits
from earmark.signal.augment.rows import on_rows
from earmark.signal.step import Augment, Draw, Spec


class FrequencyWarpDraw(NamedTuple):
    """Whether a clip is warped [batch], by what factor [batch], and up to which share of the bands [batch]."""

    hit: torch.Tensor
    factor: torch.Tensor
    cutoff: torch.Tensor


class FrequencyWarp(Augment, kind="frequency_warp"):
    """Bands up to a cut-off are stretched or squeezed by a factor, and those above it evenly, so that the top stays.

    From J. Ebbers and R. Haeb-Umbach (2019), after the vocal tract length perturbation of N. Jaitly and G. Hinton
    (2013), and on bands rather than frequencies: on a mel axis low tones keep their distances in mel. The cut-off lies
    half-way between where a band was and where it comes to. Where it is drawn above the top, all bands are warped by
    the factor; what then would come from beyond the picture repeats the highest band. Bands are interpolated linearly.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is warped."""
    mean_change: Annotated[float, Field(gt=0, lt=1)] = 0.07
    """The factor is 1 + x or, as often, 1 / (1 + x), with x of the exponential law of this mean and deviation."""
    mean_cutoff: Annotated[float, Field(gt=0)] = 0.5
    """The mean of the cut-off, which is of the exponential law too, as a share of the bands."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        if spec.n_bands < 2:
            raise SettingsError(f"a frequency warp needs two bands or more, but {spec.n_bands} come in; take it out")
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> FrequencyWarpDraw:
        n = len(batch)
        hit = hits(self.p, n, chance)
        factor, upwards = 1 + self.mean_change * _exponential(n, chance), hits(0.5, n, chance)
        factor = torch.where(upwards, factor, 1 / factor)
        return FrequencyWarpDraw(hit, factor, self.mean_cutoff * _exponential(n, chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = FrequencyWarpDraw(*draw)
        return on_rows(batch, drawn.hit, drawn, _warped)


def _warped(batch: Batch, draw: FrequencyWarpDraw) -> Batch:
    factor, cutoff = (part.to(batch.values.device, non_blocking=True) for part in draw[1:])
    n_bands = batch.values.shape[FREQ]
    source = cutoff * n_bands * 2 / (factor + 1)
    end = torch.full_like(batch.lengths, n_bands)
    bands = torch.arange(n_bands, device=factor.device, dtype=torch.float32)
    places = bent(bands, source, factor * source, end)
    return batch.changed(values=few_at_once(partial(between, axis=FREQ), batch.values, places, end))


def _exponential(n: int, chance: torch.Generator) -> torch.Tensor:
    """Numbers from 0 up whose mean and standard deviation are 1."""
    return -torch.log1p(-torch.rand(n, generator=chance))
