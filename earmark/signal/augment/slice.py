"""Clips of one length, cut at random places."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.pieces import moved, place_of
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.step import Augment, Draw, Spec


class SliceDraw(NamedTuple):
    """How much of the slice is kept (1 for all), from where in the clip, and where it is put: shares of the room."""

    shares: Tensor
    sources: Tensor
    places: Tensor


class Slice(Augment, kind="slice"):
    """A slice of each clip from a random place; some keep only a part of it, and have silence around.

    From O. Akiyama and J. Sato (2019), who slice mel power of 4 s and then, with chance 0.5, keep 25 to 100 % of that.
    A clip that is shorter than the slice is put at a random offset in zeros, and what is kept of it is a part of the
    clip. All zeros in a slice are silence that belongs to it: every clip counts as long as the slice. (In features, a
    zero is what zero means there: the mean, if they are normalised.)

    A slice cannot be longer than the batch is wide; where all clips are shorter than ``length_s``, it is as long as
    the longest. ``p`` is the chance of the additional slicing: cutting to ``length_s`` is done to all clips.

    Of waves they put half a slice of silence on both sides first: ``{p: 0, overhang_share: 0.5}``.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that only a part of the slice is kept."""
    length_s: Annotated[float, Field(gt=0)] | None = None
    """How long a slice is; null for as long as each clip is, so that only the additional slicing is done."""
    least_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """The smallest part of the slice (of the clip, if that is shorter) that is kept; all above are as likely."""
    overhang_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """By how much of itself a slice may reach beyond either end of a clip; there is silence. Not with p above 0."""
    legacy: bool = False
    """Of clips longer than the slice keep a part as the authors' code does: it keeps the bands whose numbers are those
    of the frames to be kept, at all times, and mostly blanks the picture. Spectrograms only."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.legacy and self.length_s is None:
            raise ValueError("legacy is about clips longer than the slice; give length_s, or leave legacy out")
        if self.overhang_share and (self.p or self.length_s is None):
            raise ValueError("overhang_share is about where slices of length_s lie; give that, and p 0")
        return self

    def after(self, spec: Spec) -> Spec:
        if self.length_s is not None and self.length_s * spec.rate_hz < 1:
            unit = "sample" if spec.domain == "wave" else "frame"
            raise SettingsError(
                f"a slice must be at least a {unit} of {1 / spec.rate_hz:.3g} s long, got {self.length_s:g} s; "
                "raise length_s"
            )
        if self.legacy:
            self.takes(spec, "power", "magnitude", "features", where="put it after the front end, or leave legacy out")
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> SliceDraw:
        n = len(batch)
        hit, shares = hits(self.p, n, chance), uniform(self.least_share, 1.0, n, chance)
        return SliceDraw(
            torch.where(hit, shares, 1.0), torch.rand(n, generator=chance), torch.rand(n, generator=chance)
        )

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        shares, sources, places = (part.to(batch.values.device, non_blocking=True) for part in SliceDraw(*draw))
        width = batch.values.shape[-1]
        if self.length_s is not None:
            width = min(width, round(self.length_s * batch.rate_hz))
        # Without a length of its own, the slice of a clip is all of it.
        slices = batch.lengths if self.length_s is None else torch.full_like(batch.lengths, width)
        there = batch.lengths.minimum(slices)
        longer = (batch.lengths > slices) & self.legacy
        if self.overhang_share:
            starts, counts, offsets = _overhanging(batch.lengths, width, round(width * self.overhang_share), sources)
        else:
            counts = torch.where(longer, there, (there * shares).long().clamp(min=1))
            offsets = place_of(places, slices - counts)
            starts = place_of(sources, batch.lengths - counts)
        values = moved(batch.values, starts[:, None], counts[:, None], offsets[:, None], width)
        if self.legacy:
            frames = (slices * shares).long()
            values = values.masked_fill(_blanked(longer, place_of(places, slices - frames), frames, values), 0.0)
        return batch.changed(values=values, lengths=slices, padded=self.length_s is None and batch.padded)


def _overhanging(lengths: Tensor, width: int, over: int, shares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where in each clip what is kept begins, how much it is, and where it lies in a slice that may begin as much as
    ``over`` before the clip and end as much behind it; a clip too short for that may lie anywhere in its slice."""
    room = lengths + 2 * over - width
    first = torch.where(room < 0, lengths - width, -over)
    start = first + place_of(shares, torch.where(room < 0, width - lengths, room))
    source, place = start.clamp(min=0), (-start).clamp(min=0)
    return source, torch.minimum(lengths - source, width - place), place


def _blanked(longer: Tensor, starts: Tensor, counts: Tensor, values: Tensor) -> Tensor:
    """True at the bands [batch, 1, bands, 1] whose number is not that of a frame to be kept."""
    bands = torch.arange(values.shape[2], device=values.device)
    kept = (bands >= starts[:, None]) & (bands < (starts + counts)[:, None])
    return (longer[:, None] & ~kept)[:, None, :, None]
