"""Modules that have to see training batches before they can be used, and which of a chain is the next to learn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeGuard

from torch import Tensor, nn

from earmark.core.batch import Batch


class Fittable(Protocol):
    """A module that must see training batches before it can be used.

    It learns in passes: in each it sees all batches, and is then told to finish. One pass is enough for most; a module
    that holds several that learn may need more, and is ``fitted`` after the last.
    """

    @property
    def fitted(self) -> Tensor:
        """Whether nothing is left to learn: one boolean."""

    def update(self, batch: Batch) -> None:
        """Take in one batch as it comes to this module."""

    def finish(self) -> None:
        """Make what was taken in since the last time the statistics in use."""


def next_learner(modules: Iterable[nn.Module]) -> tuple[list[nn.Module], Fittable | None]:
    """The first module of a chain that has something left to learn, none if all know what they need.

    Returns:
        The modules before it, with sequences taken apart, and the module itself.
    """
    before: list[nn.Module] = []
    for module in _taken_apart(modules):
        if _unfitted(module):
            return before, module
        before.append(module)
    return before, None


def passed_through(modules: Iterable[nn.Module], batch: Batch) -> Batch:
    """What the modules, one after the other, make of a batch."""
    for module in modules:
        batch = module(batch)
    return batch


def _unfitted(module: nn.Module) -> TypeGuard[Fittable]:
    # Not asked by isinstance, which from Python 3.12 on does not see the buffers of a module.
    return not bool(getattr(module, "fitted", True))


def _taken_apart(modules: Iterable[nn.Module]) -> Iterator[nn.Module]:
    for module in modules:
        if isinstance(module, nn.Sequential):
            yield from _taken_apart(module)
        else:
            yield module
