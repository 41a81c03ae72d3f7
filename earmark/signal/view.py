"""The view: what is done to a batch between the stream and the model, as an ordered list of steps.

A recipe writes it as a list (``view: [{kind: mixup}, {kind: log_mel}]``); `check` says whether the steps fit one
another and what comes out; `build_view` makes the module. The *clean* view, used for prediction and for learning
statistics, is the same module without its augmentations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor, nn

from earmark.core.batch import Batch, together
from earmark.core.chance import Chance
from earmark.core.errors import RunError, SettingsError
from earmark.signal.step import Augment, FrontEnd, Spec, Step


@runtime_checkable
class Fittable(Protocol):
    """A module that must see training batches before it can be used."""

    fitted: Tensor
    """Whether it has: one boolean in the module's state."""

    def update(self, batch: Batch) -> None:
        """Take in one batch as it comes to this module."""

    def finish(self) -> None:
        """Make what was taken in the statistics in use."""


def check(steps: Sequence[Step], spec: Spec) -> Spec:
    """What comes out of the steps when ``spec`` goes in.

    Raises:
        SettingsError: a step cannot take what the one before it gives, with the place of the step.
    """
    for place, step in enumerate(steps):
        if not isinstance(step, FrontEnd | Augment):
            raise SettingsError(f"view.{place}: '{step.kind}' is neither a front end nor an augmentation; take it out")
        try:
            spec = step.after(spec)
        except SettingsError as error:
            raise SettingsError(f"view.{place} ({step.kind}): {error}") from None
    return spec


class ViewModule(nn.Module):
    """The steps as one module from `Batch` to `Batch`; what its front ends have learned is its state.

    Args:
        steps: the steps, in order.
        spec: what goes in.

    Raises:
        SettingsError: the steps do not fit one another.
    """

    def __init__(self, steps: Sequence[Step], spec: Spec) -> None:
        super().__init__()
        self.steps = tuple(steps)
        self.spec = check(steps, spec)
        """What comes out."""
        # Front ends are numbered among themselves, so a view with more augmentations reads the same state.
        self.frontends = nn.ModuleList()
        for step in self.steps:
            if isinstance(step, FrontEnd):
                self.frontends.append(step.build(spec))
            spec = step.after(spec)

    def forward(
        self, batch: Batch, chance: Chance | None = None, others: Mapping[str, Batch] = MappingProxyType({})
    ) -> Batch:
        """The batch as the model gets it.

        Args:
            batch: what the stream gives, on the device of this module; it is not changed.
            chance: names the augmentations' random numbers; None leaves augmentations out (the clean view).
            others: the batches of the other streams by name, for steps that mix them in. They go through the steps as
                guests of the batch, up to the last step that wants them.
        """
        guests, last = ({}, -1) if chance is None else self._guests(others)
        if guests:
            told = tuple((name, len(guest)) for name, guest in guests.items())
            batch = together([batch, *guests.values()]).changed(guests=told)
        frontends = iter(self.frontends)
        for place, step in enumerate(self.steps):
            if not isinstance(step, Augment):
                batch = next(frontends)(batch)
            elif chance is not None:
                batch = step.apply(batch, step.draw(batch, chance.at("augment", index=place).torch()))
            if place == last:
                batch = batch.own()
        return batch

    def _guests(self, others: Mapping[str, Batch]) -> tuple[dict[str, Batch], int]:
        """The batches that some step mixes in, by stream, and the place of the last such step."""
        wanted = {place: step.guests for place, step in enumerate(self.steps) if isinstance(step, Augment)}
        names = dict.fromkeys(name for names in wanted.values() for name in names if name in others)
        return {name: others[name] for name in names}, max((p for p, names in wanted.items() if names), default=-1)

    @property
    def needs_fit(self) -> bool:
        """Whether any step still has to learn statistics from training batches."""
        return any(_unfitted(leaf) for leaf in self._leaves())

    @torch.no_grad()
    def fit(self, batches: Iterable[Batch]) -> int:
        """Let the steps that need it learn from training batches, through the clean view.

        Where nothing is left to learn, the batches are not touched. A step that comes after another that learns has to
        see what the first makes of the batches, so there is one pass for each: then ``batches`` must be something
        that can be gone through again, like a list.

        Returns:
            How many clips were learned from; 0 when there was nothing to learn.

        Raises:
            RunError: there were no batches, or none the second time.
        """
        leaves = list(self._leaves())
        n_clips = 0
        for place, leaf in enumerate(leaves):
            if _unfitted(leaf):
                n_clips = _taught(leaf, leaves[:place], batches)
        return n_clips

    def _leaves(self) -> Iterator[nn.Module]:
        """The modules of the front ends in order, with sequences taken apart."""
        for frontend in self.frontends:
            yield from _taken_apart(frontend)


def build_view(steps: Sequence[Step], spec: Spec) -> ViewModule:
    """The module for these steps; see `ViewModule`."""
    return ViewModule(steps, spec)


def _unfitted(module: object) -> TypeGuard[Fittable]:
    return isinstance(module, Fittable) and not bool(module.fitted)


def _taught(step: Fittable, before: Sequence[nn.Module], batches: Iterable[Batch]) -> int:
    """Let one module learn from what those before it make of the batches; how many clips there were."""
    n_clips = 0
    for batch in batches:
        n_clips += len(batch)
        for module in before:
            batch = module(batch)
        step.update(batch)
    if not n_clips:
        raise RunError(
            "the view has statistics to learn, but got no training batches; give a list of batches, which can be gone "
            "through once for each step that learns"
        )
    step.finish()
    return n_clips


def _taken_apart(module: nn.Module) -> Iterator[nn.Module]:
    if isinstance(module, nn.Sequential):
        for part in module:
            yield from _taken_apart(part)
    else:
        yield module
