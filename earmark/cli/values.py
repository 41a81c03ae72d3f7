"""Settings that are no members of a family: those of a whole command, and the values that others are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import isclass
from typing import Any, get_args

from earmark.audit.settings import AuditSettings
from earmark.core.family import Member, families
from earmark.core.settings import Settings
from earmark.demo.dataset import DemoSettings
from earmark.stages.blend import BlendSettings
from earmark.stages.budget import Budget
from earmark.stages.clean import CleanSettings
from earmark.stages.find_lr import RangeTest
from earmark.stages.recipe import Recipe
from earmark.stages.sequence.distilling import DistilSettings
from earmark.stages.sequence.guessing import GuessSettings
from earmark.stages.sequence.predicting import PredictSettings

COMMANDS: tuple[type[Settings], ...] = (
    AuditSettings,
    CleanSettings,
    RangeTest,
    DemoSettings,
    Budget,
    GuessSettings,
    PredictSettings,
    BlendSettings,
    DistilSettings,
)
"""What commands can be told that read no recipe, or more than one."""


def values() -> dict[str, type[Settings]]:
    """Every settings class but the recipe and the members of families, by its name and in alphabetical order.

    >>> {"AuditSettings", "CalibrationSettings", "Crop", "TrainingSettings"} <= set(values())
    True
    """
    members = [member for root in families().values() for member in root.members().values()]
    found: dict[str, type[Settings]] = {}
    waiting = [*COMMANDS, *_made_of([Recipe, *members])]
    while waiting:
        each = waiting.pop()
        if each.__name__ in found:
            continue
        found[each.__name__] = each
        waiting += _made_of([each])
    return dict(sorted(found.items()))


def _made_of(settings: Iterable[type[Settings]]) -> Iterator[type[Settings]]:
    """The values in the fields of these; members of families have pages of their own."""
    for each in settings:
        for field in each.model_fields.values():
            yield from (part for part in _classes(field.annotation) if not issubclass(part, Member))


def _classes(annotation: Any) -> Iterator[type[Settings]]:
    """The settings classes in an annotation, at any depth."""
    if isclass(annotation) and not get_args(annotation):
        if issubclass(annotation, Settings):
            yield annotation
    else:
        for inner in get_args(annotation):
            yield from _classes(inner)
