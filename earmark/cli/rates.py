"""What ``earmark find-lr`` does, once imports no longer matter."""

from __future__ import annotations

from pathlib import Path

from earmark.cli.console import Console
from earmark.cli.work import BAD_FILES, prepared
from earmark.core.settings import read
from earmark.stages.find_lr import RangeTest, find_lr, told, write_test
from earmark.stages.prepare import with_folds
from earmark.stages.recipe import read_recipe
from earmark.training.devices import fabric_for


def sweep_rates(
    recipe: str,
    data: Path,
    out: Path | None,
    lowest: float,
    highest: float,
    n_steps: int,
    fold: int | None,
    changes: list[str],
    store: Path | None,
    console: Console,
) -> int:
    """``earmark find-lr``."""
    sweep = read(RangeTest, {"lowest": lowest, "highest": highest, "steps": n_steps}, what="the sweep")
    settings = read_recipe(recipe, tuple(changes))
    fabric = fabric_for(settings.training)
    console.quiet = console.quiet or not fabric.is_global_zero
    with fabric.rank_zero_first():  # one process packs, the others find it packed
        done = prepared(settings, data, store, console)
    manifest = done.manifest if fold is None else with_folds(done.manifest, settings.folds, settings.seed)
    test = find_lr(settings, manifest, done.store, console, fabric, sweep, fold)
    if fabric.is_global_zero:
        for line in told(test):
            print(line)
        if out is not None:
            console.say("written: " + ", ".join(f"'{path}'" for path in write_test(test, out)))
    return BAD_FILES if done.report.n_quarantined else 0
