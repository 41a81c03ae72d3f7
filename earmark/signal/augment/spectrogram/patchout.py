"""Patches of the picture that are hidden, singly or in whole rows and columns."""

import math
from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch, signal_mask
from earmark.core.errors import SettingsError
from earmark.signal.augment.laws import hits
from earmark.signal.augment.spectrogram.masking import Fill, hidden
from earmark.signal.step import Augment, Draw, Spec


class PatchoutDraw(NamedTuple):
    """Whether a clip is masked [batch], and even numbers: the smallest of them are hidden, among the patches
    [batch, rows, columns], the rows [batch, rows] and the columns [batch, columns]."""

    hit: Tensor
    patches: Tensor
    rows: Tensor
    columns: Tensor


class Patchout(Augment, kind="patchout"):
    """The picture is cut into patches, of which some are hidden: any of them, whole rows, whole columns.

    After the patchout of K. Koutini et al. (2022), who drop patches from what a transformer reads; here they are
    masked, so that every encoder can be trained with it. How many are hidden is fixed and which is drawn. Columns are
    counted in the clip's own frames, so a short clip keeps as large a part of itself as a long one.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is masked."""
    patch_bands: Annotated[int, Field(ge=1)] = 16
    """The height of a patch; the highest row may be lower."""
    patch_s: Annotated[float, Field(gt=0)] = 0.16
    """The width of a patch; the last column of a clip may be narrower."""
    patch_share: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """The share of patches that are hidden wherever they lie, rounded down."""
    n_rows: Annotated[int, Field(ge=0)] = 0
    """How many rows of patches are hidden over the whole length."""
    column_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of columns that are hidden over all bands, rounded down."""
    fill: Fill = "zero"
    """What is put there: zero (silence in power), the mean or the minimum of the clip."""

    @model_validator(mode="after")
    def _hides_something(self) -> Self:
        if not (self.patch_share or self.n_rows or self.column_share):
            raise ValueError("patch_share, n_rows and column_share are all 0 and nothing is hidden; raise one of them")
        return self

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        if self.patch_bands > spec.n_bands:
            raise SettingsError(
                f"patches of {self.patch_bands} bands are higher than the picture of {spec.n_bands}; lower patch_bands"
            )
        n_rows = math.ceil(spec.n_bands / self.patch_bands)
        if self.n_rows >= n_rows:
            raise SettingsError(
                f"patchout hides {self.n_rows} rows of patches, but the picture has only {n_rows}; lower n_rows"
            )
        if self.patch_s * spec.rate_hz < 1:
            raise SettingsError(
                f"patches of {self.patch_s:g} s are narrower than a frame of {1 / spec.rate_hz:.3g} s; raise patch_s"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> PatchoutDraw:
        n, rows, columns = len(batch), *self._grid(batch)
        return PatchoutDraw(
            hits(self.p, n, chance),
            torch.rand(n, rows, columns, generator=chance),
            torch.rand(n, rows, generator=chance),
            torch.rand(n, columns, generator=chance),
        )

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        hit, patches, rows, columns = (part.to(batch.values.device, non_blocking=True) for part in PatchoutDraw(*draw))
        n_rows, n_columns = self._grid(batch)
        frames = self._frames(batch.rate_hz)
        filled = (batch.lengths + frames - 1) // frames  # How many columns each clip has.
        beyond = ~signal_mask(filled, n_columns)
        patches = patches[..., :n_columns].masked_fill(beyond[:, None, :], 2.0).flatten(1)
        singly = _smallest(patches, _part(self.patch_share, filled * n_rows)).view(-1, n_rows, n_columns)
        in_rows = _smallest(rows, torch.full_like(filled, self.n_rows))
        columns = columns[:, :n_columns].masked_fill(beyond, 2.0)
        in_columns = _smallest(columns, _part(self.column_share, filled))
        grid = (singly | in_rows[:, :, None] | in_columns[:, None, :]) & hit[:, None, None]
        mask = grid.repeat_interleave(self.patch_bands, dim=1).repeat_interleave(frames, dim=2)
        n_bands, n_frames = batch.values.shape[2:]
        return batch.changed(values=hidden(batch, mask[:, :n_bands, :n_frames], self.fill))

    def _frames(self, rate_hz: float) -> int:
        return max(round(self.patch_s * rate_hz), 1)

    def _grid(self, batch: Batch) -> tuple[int, int]:
        """How many rows and columns of patches the picture has."""
        n_bands, n_frames = batch.values.shape[2:]
        return -(-n_bands // self.patch_bands), -(-n_frames // self._frames(batch.rate_hz))


def _part(share: float, n: Tensor) -> Tensor:
    """A share of so many, rounded down; a tenth of ten is one, whatever its last binary digit says."""
    return (n * share + 1e-3).long()


def _smallest(numbers: Tensor, counts: Tensor) -> Tensor:
    """True for the ``counts`` [batch] smallest of the numbers [batch, n] of each clip."""
    return numbers.argsort(dim=1).argsort(dim=1) < counts[:, None]
