"""Settings that come in pairs: the smallest and the largest of something."""

from __future__ import annotations

from typing import TypeVar

from earmark.core.settings import Settings

_SETTINGS = TypeVar("_SETTINGS", bound=Settings)


def in_order(settings: _SETTINGS, *pairs: tuple[str, str]) -> _SETTINGS:
    """The settings as they came, if in each of these pairs of names the first is not above the second.

    A pair of which one is left out (None) is in order.

    Raises:
        ValueError: one is not.
    """
    for low, high in pairs:
        first, second = getattr(settings, low), getattr(settings, high)
        if first is not None and second is not None and first > second:
            raise ValueError(f"{low} must not be above {high}, got {first:g} and {second:g}; swap them")
    return settings
