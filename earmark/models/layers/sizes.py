"""Sizes of layers, worked out from settings."""

from __future__ import annotations

from collections.abc import Sequence


def halved(n: int) -> int:
    """Bands or frames after stride 2, an odd last one not lost."""
    return (n + 1) // 2


def scaled(n_channels: int, width: float) -> int:
    """Channels of a narrower or wider net, never none."""
    return max(1, round(n_channels * width))


def in_eights(n_channels: int, width: float) -> int:
    """Channels of a narrower or wider net: a multiple of 8, at least 8, and not much less than asked for.

    Processors like such numbers; the rule is that of the MobileNets.

    >>> [in_eights(n, 0.1) for n in (16, 112, 960)]
    [8, 16, 96]
    """
    asked = n_channels * width
    whole = max(8, int(asked + 4) // 8 * 8)
    return whole + 8 if whole < 0.9 * asked else whole


def one_each(layer: str, **numbers: Sequence[int]) -> None:
    """Refuse settings that do not have one number of each kind, 1 or more, for every layer.

    Args:
        layer: how the message calls a layer.
        numbers: by what each is the number of, such as ``width``.

    >>> one_each("block", width=(64, 128), stride=(1, 2))

    Raises:
        ValueError: there are more of one than of another, or one is less than 1.
    """
    if len({len(each) for each in numbers.values()}) > 1:
        kinds, counts = [f"a {name}" for name in numbers], [str(len(each)) for each in numbers.values()]
        raise ValueError(f"every {layer} needs {_listed(kinds)}, got {_listed(counts)} of them")
    for name, each in numbers.items():
        if min(each, default=1) < 1:
            raise ValueError(f"the {name} of every {layer} is 1 or more, got {tuple(each)}")


def _listed(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1]))
