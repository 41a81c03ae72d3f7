"""Backwards."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.pieces import moved
from earmark.signal.augment.laws import hits
from earmark.signal.augment.rows import on_rows
from earmark.signal.step import Augment, Draw, Spec


class ReverseDraw(NamedTuple):
    """Whether a clip is played backwards [batch]."""

    hit: Tensor


class Reverse(Augment, kind="reverse"):
    """A clip is played backwards: its last sample comes first.

    It keeps the spectrum and turns attacks into endings, so it suits drones and textures more than strokes.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is reversed."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def draw(self, batch: Batch, chance: torch.Generator) -> ReverseDraw:
        return ReverseDraw(hits(self.p, len(batch), chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = ReverseDraw(*draw)
        return on_rows(batch, draw.hit, draw, _reversed)


def _reversed(batch: Batch, draw: ReverseDraw) -> Batch:
    return batch.changed(values=few_at_once(_turned, batch.values, batch.lengths))


def _turned(values: Tensor, lengths: Tensor) -> Tensor:
    n, lengths = values.shape[1], lengths[:, None]
    # With all of its row reversed, a clip lies behind its padding and is brought back to the front.
    return moved(values.flip(1), n - lengths, lengths, torch.zeros_like(lengths), n)
