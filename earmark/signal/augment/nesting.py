"""Augmentations that consist of augmentations: their root, and how a step is kept from some of the clips.

A step that is not to touch a clip is given, for this clip, numbers that it draws with a chance of 0, which change
nothing. So a step always gets the whole batch, and steps that mix clips work inside others as well.
"""

from abc import ABC
from collections.abc import Sequence
from typing import Annotated, ClassVar, Self, TypeVar

import torch
from jaxtyping import Bool
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.signal.step import Augment, Draw, Spec

_DRAW = TypeVar("_DRAW", bound=Draw)


class Draws(tuple[Draw, ...]):
    """The draws of several steps, made and taken apart like a named tuple, but without names."""

    _fields: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, *draws: Draw) -> Self:
        return super().__new__(cls, draws)


class Nesting(Augment, ABC):
    """An augmentation that does what its steps do, each to some of the clips."""

    p: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The chance that a clip is changed."""
    steps: Annotated[tuple[Augment, ...], Field(min_length=1)]
    """The augmentations; each has a chance ``p`` of its own besides."""

    @model_validator(mode="after")
    def _steps_have_a_chance(self) -> Self:
        for place, step in enumerate(self.steps):
            if "p" not in type(step).model_fields:
                raise ValueError(f"steps.{place} ({step.kind}) has no chance p, so it cannot be part of another step")
        return self

    @property
    def within(self) -> tuple[Augment, ...]:
        return self.steps

    def after(self, spec: Spec) -> Spec:
        return _after_all(self.steps, spec)


def drawn_for(step: Augment, clips: Bool[Tensor, " batch"], batch: Batch, chance: torch.Generator) -> Draw:
    """A draw of the step that leaves all clips but these as they are."""
    quiet = step.model_copy(update={"p": 0.0})
    return _merged(clips, step.draw(batch, chance), quiet.draw(batch, chance))


def _merged(rows: Tensor, draw: _DRAW, other: _DRAW) -> _DRAW:
    """The draw where ``rows`` is true and the other elsewhere; draws within draws as well."""
    parts = (
        torch.where(rows.view(-1, *[1] * (one.ndim - 1)), one, two)
        if isinstance(one, Tensor)
        else _merged(rows, one, two)
        for one, two in zip(draw, other, strict=True)
    )
    return type(draw)(*parts)


def _after_all(steps: Sequence[Augment], spec: Spec) -> Spec:
    """What comes out of all steps, one after the other.

    Raises:
        SettingsError: a step cannot take it, with its place.
    """
    for place, step in enumerate(steps):
        try:
            spec = step.after(spec)
        except SettingsError as error:
            raise SettingsError(f"steps.{place} ({step.kind}): {error}") from None
    return spec
