"""One command, one or more runs: all clips, one held-out fold, or each fold in turn with the held-out parts pooled."""

from __future__ import annotations

from pathlib import Path

from lightning_fabric import Fabric

from earmark.core.errors import DataError, RunError, SettingsError
from earmark.core.manifest import Manifest
from earmark.core.predictions import pooled
from earmark.data.store import Store
from earmark.data.tables import read_predictions, write_predictions
from earmark.runs.folder import RunFolder
from earmark.stages.recipe import Recipe
from earmark.stages.show import Show
from earmark.stages.train import train


def train_runs(
    recipe: Recipe, manifest: Manifest, store: Store, out: Path, fold: str, show: Show, fabric: Fabric
) -> list[RunFolder]:
    """Train what ``fold`` asks for.

    Args:
        manifest: with folds, unless ``fold`` is ``none``.
        out: folder of the run; with ``each`` it holds one run a fold and the pooled predictions.
        fold: ``none``, ``each`` or the number of a fold.

    Returns:
        The runs, whole.

    Raises:
        SettingsError: ``fold`` is none of these.
    """
    if fold == "none":
        train(recipe, manifest, store, RunFolder(out), None, show, fabric)
        return [RunFolder(out)]
    if fold != "each":
        if not (fold.isascii() and fold.isdigit()):
            raise SettingsError(f"--fold must be a number, 'each' or 'none', got '{fold}'")
        train(recipe, manifest, store, RunFolder(out), int(fold), show, fabric)
        return [RunFolder(out)]
    numbers = sorted(set(manifest.where(part="train", origin="curated").clips["fold"].drop_nulls().to_list()))
    runs = [RunFolder(out / f"fold-{number}") for number in numbers]
    for number, run in zip(numbers, runs, strict=True):
        show.say(f"fold {number}, {numbers.index(number) + 1} of {len(numbers)}")
        train(recipe, manifest, store, run, number, show, fabric)
    if recipe.taught:
        held_out = pooled([read_predictions(run.predictions("held_out")) for run in runs])
        if fabric.is_global_zero:
            write_predictions(held_out, RunFolder(out).predictions("held_out"))
    return runs


def one_run(path: Path) -> RunFolder:
    """The run in a folder.

    Raises:
        RunError: it holds one run a fold.
    """
    run = RunFolder(path)
    runs = sorted(place.parent for place in path.glob("fold-*/run.json"))
    if runs and not run.facts():
        names = ", ".join(f"'{place}'" for place in runs[:3]) + (" ..." if len(runs) > 3 else "")
        raise RunError(f"'{path}' holds one run a fold; name one of {names}", path)
    return run


def predictions_of(path: Path) -> list[Path]:
    """The tables of scores in a run's folder, held-out first, or the one table that was named.

    Raises:
        DataError: there is none.
    """
    if not path.is_dir():
        return [path]
    found = [place for part in ("held_out", "test") if (place := RunFolder(path).predictions(part)).is_file()]
    if not found and any(RunFolder(run).facts().get("taught") is False for run in (path, *path.glob("fold-*"))):
        raise DataError(
            f"'{path}' holds no predictions, for nothing taught head 'main' there; begin another recipe with its "
            "encoder (model.start) and score that"
        )
    if not found:
        raise DataError(f"'{path}' holds no predictions; finish its training, or name a table of scores", path)
    return found
