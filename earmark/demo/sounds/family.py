"""What a sound is: a function that draws one instance, which then plays any number of renditions.

An *instance* is one drawn set of parameters, like one bell: its pitch, its partials. A *rendition* is one recording of
it: the moments of the strokes, their force. Keeping the two draws apart is what lets the data set keep an instance
inside one fold. A rendition is a float64 wave ``[samples]`` at any level; whoever mixes it sets the level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float64]
Instance = Callable[[int, int, np.random.Generator], Wave]
"""``instance(n_samples, rate_hz, chance)`` plays one rendition of exactly ``n_samples``."""


@dataclass(frozen=True)
class Sound:
    """One class of sounds: its name, how long a rendition usually lasts, what people mistake it for.

    Args:
        name: the label, unique in the family.
        draw: draws the parameters of one instance from a generator.
        span_s: shortest and longest usual rendition, in seconds.
        like: names of the classes that a careless listener would say instead.
        in_vocabulary: whether labels may name it.
    """

    name: str
    draw: Callable[[np.random.Generator], Instance]
    span_s: tuple[float, float]
    like: tuple[str, ...]
    in_vocabulary: bool = True


def sound(
    name: str, *, span_s: tuple[float, float], like: tuple[str, ...], in_vocabulary: bool = True
) -> Callable[[Callable[[np.random.Generator], Instance]], Sound]:
    """Make the function below it a member of the family (arguments as in :class:`Sound`)."""

    def enrol(draw: Callable[[np.random.Generator], Instance]) -> Sound:
        return Sound(name, draw, span_s, like, in_vocabulary)

    return enrol
