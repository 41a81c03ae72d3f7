"""What a view is made of: steps, each a settings value that says what it takes and what it gives.

A step is a `FrontEnd` (deterministic; part of the training view and of the clean view that every prediction goes
through) or an `Augment` (random; training views only). What a step cannot take is found when a recipe is read:
`after` maps the `Spec` of what comes to the `Spec` of what goes, or refuses in words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from earmark.core.family import Member
from earmark.core.spec import Spec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from earmark.core.batch import Batch


__all__ = ["Augment", "FrontEnd", "Spec", "Step"]


class Step(Member, ABC, family="step"):
    """One thing done to a batch on its way to the model."""

    @abstractmethod
    def after(self, spec: Spec) -> Spec:
        """What goes out when this comes in.

        Raises:
            SettingsError: this step cannot take it, in a sentence that names both.
        """


class FrontEnd(Step, ABC, family="frontend"):
    """A deterministic step; ``build`` makes the module that does it and holds what it knows (windows, statistics)."""

    @abstractmethod
    def build(self, spec: Spec) -> nn.Module:
        """The module that maps a `Batch` to a `Batch`, for input of this spec; padding stays zero."""


class Augment(Step, ABC, family="augment"):
    """A random step: numbers are drawn apart from being applied, so a step replays exactly and a test chooses them."""

    @abstractmethod
    def draw(self, batch: Batch, chance: torch.Generator) -> tuple[torch.Tensor, ...]:
        """A small named tuple of CPU tensors, one row a clip, drawn without looking at the values of the batch."""

    @abstractmethod
    def apply(self, batch: Batch, draw: tuple[torch.Tensor, ...]) -> Batch:
        """A pure function of the batch and the drawn numbers, on the batch's device."""
