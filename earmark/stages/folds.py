"""One command, one or more runs: all clips, one held-out fold, or several in turn with the held-out parts pooled."""

from __future__ import annotations

from pathlib import Path

from lightning_fabric import Fabric

from earmark.core.errors import DataError, RunError
from earmark.core.manifest import Manifest
from earmark.data.store import Store
from earmark.runs.folder import RunFolder
from earmark.stages.fold_choice import fold_choice, is_several, turns
from earmark.stages.mean_of_runs import put_together
from earmark.stages.prepare import folds_for
from earmark.stages.recipe import Recipe
from earmark.stages.show import Show
from earmark.stages.train import train


def train_runs(
    recipe: Recipe, manifest: Manifest, store: Store, out: Path, fold: str, show: Show, fabric: Fabric
) -> list[RunFolder]:
    """Train what ``fold`` asks for.

    Args:
        manifest: with folds, unless ``fold`` is ``none``.
        out: folder of the run; where several folds are held out in turn it holds one run a fold, the pooled
            predictions, and the mean of what all of them say of the test part.
        fold: ``none``, ``each``, or the numbers of folds.

    Returns:
        The runs, whole.

    Raises:
        SettingsError: ``fold`` is none of these.
    """
    choice = fold_choice(fold)
    numbers = turns(choice, manifest, folds_for(manifest, recipe.folds, recipe.seed))
    several = is_several(choice)
    runs = [RunFolder(out / f"fold-{number}" if several else out) for number in numbers]
    for turn, (number, run) in enumerate(zip(numbers, runs, strict=True), start=1):
        if several:
            show.say(f"fold {number}, {turn} of {len(numbers)}")
        train(recipe, manifest, store, run, number, show, fabric)
    if several and recipe.taught and fabric.is_global_zero:
        put_together(out, runs)
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
