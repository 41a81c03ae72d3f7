"""What a view is made of: steps, each a settings value that says what it takes and what it gives.

A step is a `FrontEnd` (deterministic; part of the training view and of the clean view that every prediction goes
through) or an `Augment` (random; training views only). What a step cannot take is found when a recipe is read:
`after` maps the `Spec` of what comes to the `Spec` of what goes, or refuses in words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from earmark.core.errors import SettingsError
from earmark.core.family import Member
from earmark.core.spec import Domain, Spec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from earmark.core.batch import Batch


__all__ = ["Augment", "Draw", "FrontEnd", "Spec", "Step"]

Draw = tuple[Any, ...]
"""A named tuple of CPU tensors with one row a clip, or of further such tuples."""

_WHERE = {
    ("wave",): "put it before the front end",
    ("power", "magnitude"): "put it after a front end that gives power, and before its compression",
    ("features",): "put it after the compression",
}


class Step(Member, ABC, family="step"):
    """One thing done to a batch on its way to the model."""

    @property
    def external(self) -> tuple[str, ...]:
        """The sounds from elsewhere than the clips that it uses, in words."""
        return ()

    @abstractmethod
    def after(self, spec: Spec) -> Spec:
        """What goes out when this comes in.

        Raises:
            SettingsError: this step cannot take it, in a sentence that names both.
        """

    def takes(self, spec: Spec, *domains: Domain, where: str = "") -> Spec:
        """The spec as it came, if its domain is one of these.

        Args:
            where: what to do about it, if not the usual: to put the step where such values are.

        Raises:
            SettingsError: it is of another domain.
        """
        if spec.domain in domains:
            return spec
        usual = _WHERE.get(domains, "put it after the front end" if spec.domain == "wave" else "put it further up")
        wanted = " or ".join([", ".join(domains[:-1]), domains[-1]] if domains[1:] else domains)
        came = "features come" if spec.domain == "features" else f"{spec.domain} comes"
        raise SettingsError(f"{self.kind} takes {wanted}, but {came} in; {where or usual}")


class FrontEnd(Step, ABC, family="frontend"):
    """A deterministic step; ``build`` makes the module that does it and holds what it knows (windows, statistics)."""

    @property
    def chained(self) -> tuple[FrontEnd, ...]:
        """The front ends that this one is a sequence of, if any; ``build`` then makes a `Sequential` of theirs."""
        return ()

    @abstractmethod
    def build(self, spec: Spec) -> nn.Module:
        """The module that maps a `Batch` to a `Batch`, for input of this spec; padding stays zero."""


class Augment(Step, ABC, family="augment"):
    """A random step: numbers are drawn apart from being applied, so a step replays exactly and a test chooses them."""

    @property
    def within(self) -> tuple[Augment, ...]:
        """The augmentations that this one consists of, if it does."""
        return ()

    @property
    def guests(self) -> tuple[str, ...]:
        """Other streams whose clips this step mixes in; their batches come along as guests (`Batch.guests`)."""
        return tuple(dict.fromkeys(name for step in self.within for name in step.guests))

    @property
    def external(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each for step in self.within for each in step.external))

    @property
    def softens(self) -> bool:
        """Whether labels that were there or not may come out in between, as shares of a mixture do."""
        return any(step.softens for step in self.within)

    @property
    def mixes(self) -> bool:
        """Whether a clip may come out with something of another, so that two draws are no longer of the same sound."""
        return any(step.mixes for step in self.within)

    @property
    def reads_labels(self) -> bool:
        """Whether what comes out of the values depends on the targets that go in."""
        return any(step.reads_labels for step in self.within)

    @abstractmethod
    def draw(self, batch: Batch, chance: torch.Generator) -> Draw:
        """A small named tuple of CPU tensors, one row a clip, drawn without looking at the values of the batch."""

    @abstractmethod
    def apply(self, batch: Batch, draw: Draw) -> Batch:
        """A pure function of the batch and the drawn numbers, on the batch's device; it never waits for the device.

        The time axis may become shorter, never longer: what reaches beyond it is cut.
        """
