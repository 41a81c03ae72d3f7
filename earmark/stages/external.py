"""What a training takes from elsewhere than its data: published weights, rooms, weights and guesses of unknown origin.

Challenges often forbid it, as Freesound Audio Tagging 2019 did, and a score that rests on it is not to be compared with
one that does not. So every run notes what it took, the report says it, and runs that begin with its weights or learn
from its guesses have it handed down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.core.errors import SettingsError
from earmark.core.manifest import Manifest
from earmark.data.tables import read_predictions
from earmark.runs.folder import RunFolder

if TYPE_CHECKING:
    from earmark.stages.recipe import Recipe
    from earmark.stages.warm_start import WarmStart

NOTED = "external"
"""What it is called in the notes of runs and in the provenance of tables."""


def external_of(recipe: Recipe, manifest: Manifest, warm: WarmStart | None, fold: int | None) -> tuple[str, ...]:
    """Everything from elsewhere that goes into a training, in words; nothing where there is none.

    Args:
        warm: the weights that it begins with, found.
        fold: the one that is held out.

    Raises:
        SettingsError: there is some, and the recipe does not want any.
    """
    found = list(recipe.external)
    found += warm.external(manifest) if warm else ()
    for part in recipe.objective.values():
        for path in part.files(fold):
            found += _of_table(path)
    found = list(dict.fromkeys(found))
    if found and not recipe.external_data:
        raise SettingsError(unwanted(found[0]))
    return tuple(found)


def unwanted(what: str) -> str:
    """Why a recipe without data from elsewhere is refused."""
    return f"external_data is false, but the recipe takes {what}; leave that out, or set external_data: true"


def noted(run: RunFolder) -> list[str]:
    """What a run says that it took from elsewhere, those before it included."""
    return list((run.read_json("learnt.json") or {}).get(NOTED, ()))


def _of_table(path: Path) -> list[str]:
    provenance = read_predictions(path).provenance
    if not provenance:
        return [f"guesses '{path.name}', of which it is not noted who made them"]
    return list(_within(provenance))


def _within(provenance: Mapping[str, Any]) -> Iterator[str]:
    """What is noted anywhere in a provenance, which may hold those of others."""
    for name, value in provenance.items():
        if name == NOTED:
            yield from value
        else:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Mapping):
                    yield from _within(each)
