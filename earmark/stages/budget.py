"""Budgets: shares of what a recipe asks for, so that a training of days also runs in minutes, as the same recipe.

One function makes any recipe smaller. It knows settings by their names, which carry their units: everything counted in
epochs shrinks with the epochs, so that a schedule keeps its shape and its number of cycles; all widths of the network
shrink together; crops become shorter, but never too short for the network to hear.
"""

import math
from collections.abc import Callable
from typing import Any

from pydantic import Field

from earmark.core.errors import SettingsError
from earmark.core.settings import Settings, read
from earmark.core.yaml_text import parse
from earmark.stages.recipe import Recipe

_PER_EPOCH = ("steps_per_epoch", "score_epochs")
"""Named after epochs, but not lengths of the training."""
_WIDTHS = ("widths", "widths_in_time", "width", "base", "first_width", "stem", "hidden", "units")
_NARROWEST = 4
_LONGEST = ("length_s", "longest_s")
_FEWEST_NORM_STEPS = 10.0


class Budget(Settings):
    """Shares of what recipes ask for; 1 is all of it."""

    epochs: float = Field(1.0, gt=0, le=1)
    """Of all lengths in epochs: of the training, of cycles, of warm-ups and ramps; one epoch is the least."""
    widths: float = Field(1.0, gt=0, le=1)
    """Of the channels and hidden units of the networks."""
    seconds: float = Field(1.0, gt=0, le=1)
    """Of the length of crops; the least is what the network needs."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is saved."""
        return self == Budget()


def read_budget(text: str | None) -> Budget:
    """A budget as it is typed: one share for all three, or ``epochs=0.1,widths=0.5``; none is all of everything.

    >>> read_budget("0.5").widths, read_budget("epochs=0.1,seconds=0.5").widths
    (0.5, 1.0)

    Raises:
        SettingsError: it is neither, or a share is not above 0 and at most 1.
    """
    if text is None:
        return Budget()
    what = f"--budget {text}"
    if "=" not in text:
        share = parse(text, what=what)
        return read(Budget, dict.fromkeys(Budget.model_fields, share), what=what)
    shares: dict[str, Any] = {}
    for each in text.split(","):
        name, equals, share = each.partition("=")
        if not equals:
            raise SettingsError(
                f"a budget must be a share, or name=share with commas between, got '{each}' in '{text}'"
            )
        shares[name.strip()] = parse(share, what=what)
    return read(Budget, shares, what=what)


def within(budget: Budget, recipe: Recipe, what: str = "the recipe") -> Recipe:
    """The recipe, made so small that it keeps within the budget.

    Batches, learning rates, the view and chances stay as they are.

    Args:
        what: names the recipe in a message.

    Raises:
        SettingsError: what comes of it is no recipe.
    """
    if budget.is_whole:
        return recipe
    data = recipe.model_dump(mode="json")
    for section in ("training", "objective"):
        data[section] = _changed(data[section], _is_epochs, lambda value: _shorter(value, budget.epochs))
    training = data["training"]
    if training["augment_epochs"] is not None:
        last = training["epochs"] - 1
        training["augment_epochs"] = min(training["augment_epochs"], last) if last else None
    encoder = _changed(data["model"]["encoder"], lambda name: name == "norm_steps", lambda v: _reach(v, budget.epochs))
    data["model"]["encoder"] = _narrowed(encoder, budget.widths)
    data["model"]["heads"] = {name: _narrowed(head, budget.widths) for name, head in data["model"]["heads"].items()}
    small = read(Recipe, data, what=f"{what} within its budget")
    data = small.model_dump(mode="json")
    least_s = math.ceil(small.model.shortest(small.spec) / small.spec.rate_hz * 1e4) / 1e4

    def shorter(value: float) -> float:
        return max(value * budget.seconds, min(value, least_s))

    for stream in data["streams"].values():
        stream["crop"] = _changed(stream["crop"], lambda name: name in _LONGEST, shorter)
    data["view"] = [_changed(step, lambda name: name == "length_s", shorter) for step in data["view"]]
    return read(Recipe, data, what=f"{what} within its budget")


def _is_epochs(name: str) -> bool:
    counted = name == "epochs" or name.endswith(("_epochs", "_epoch")) or name == "every_steps"
    return counted and name not in _PER_EPOCH


def _shorter(value: Any, share: float) -> Any:
    if isinstance(value, int):
        return max(1, round(value * share)) if value else value
    return value * share


def _reach(steps: float, share: float) -> float:
    """How many steps statistics reach back in a shorter training; a few they always need."""
    return max(steps * share, min(steps, _FEWEST_NORM_STEPS))


def _narrowed(data: Any, share: float) -> Any:
    """Settings of an encoder or a head with all widths smaller; a factor of them does that alone."""
    heads = data.get("n_heads", 1)  # attention divides its width between them
    widths = ("width",) if isinstance(data.get("width"), float) else _WIDTHS
    return _changed(data, lambda name: name in widths, lambda value: _narrower(value, share, math.lcm(4, heads)))


def _narrower(value: Any, share: float, multiple: int) -> Any:
    """Fewer channels, in fours; factors of all channels as they are."""
    if isinstance(value, float):
        return value * share
    if value <= _NARROWEST:
        return value
    return min(value, max(multiple, round(value * share / multiple) * multiple))


def _changed(data: Any, wanted: Callable[[str], bool], change: Callable[[Any], Any]) -> Any:
    """Plain data with the numbers under some names changed, at any depth; lists under such a name, number by number."""
    if isinstance(data, dict):
        return {
            name: _each(value, change) if wanted(name) else _changed(value, wanted, change)
            for name, value in data.items()
        }
    return [_changed(each, wanted, change) for each in data] if isinstance(data, list) else data


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_each(each, change) for each in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return change(value) if is_number else value
