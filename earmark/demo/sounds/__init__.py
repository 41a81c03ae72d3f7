"""The family of procedural sounds: one function a class, sorted into files by what makes the sound.

A member is a function under ``@sound``; :func:`sounds` finds it by listing this folder, so that adding a class to the
generated data set means writing one function.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from earmark.demo.sounds.family import Sound

__all__ = ["Sound", "out_of_vocabulary", "sounds", "vocabulary"]


@cache
def sounds() -> dict[str, Sound]:
    """Every sound of this folder by its name, in alphabetical order.

    >>> sounds()["Bell"].in_vocabulary
    True
    """
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    found = {member.name: member for module in modules for member in vars(module).values() if isinstance(member, Sound)}
    return dict(sorted(found.items()))


def vocabulary() -> list[str]:
    """The classes that labels may name, in alphabetical order: a clip's targets are in this order."""
    return [name for name, member in sounds().items() if member.in_vocabulary]


def out_of_vocabulary() -> list[str]:
    """The classes that only the noisy part contains, always under another class's label."""
    return [name for name, member in sounds().items() if not member.in_vocabulary]
