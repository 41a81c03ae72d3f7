"""Pairs of settings are in order, or refused by name."""

from __future__ import annotations

import pytest

from earmark.core.settings import Settings
from earmark.signal.ranges import in_order


class Ranges(Settings):
    low_s: float = 1.0
    high_s: float | None = 2.0
    fewest: int = 3
    most: int = 3


def test_what_is_in_order_comes_back_and_what_is_not_is_named():
    pairs = ("low_s", "high_s"), ("fewest", "most")
    for settings in (Ranges(), Ranges(low_s=9, high_s=None)):
        assert in_order(settings, *pairs) is settings
    with pytest.raises(ValueError, match="fewest must not be above most, got 4 and 3; swap them"):
        in_order(Ranges(fewest=4), *pairs)
