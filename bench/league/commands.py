"""What to type to carry a line out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from bench.league.line import Line
from bench.league.outline import Outline, Way, scaled
from bench.league.place import Place
from bench.league.record import is_training, record_of, speakers
from earmark.core.files import write_text_atomically
from earmark.core.yaml_text import dump


class Asked(NamedTuple):
    """One way to carry a line out."""

    line: Line
    way: Way
    plan: Outline
    teacher: Line | None
    """Whose models a student learns from."""
    share: float | None
    """Of its epochs; none is all of them."""
    folder: Path
    fold: str
    more: tuple[str, ...] = ()
    """Changes made last."""


def command(asked: Asked, place: Place) -> list[str]:
    """The command of a line; where it trains a recipe, that is written beside its runs first."""
    line, store = asked.line, place.store(asked.plan.packs)
    common = ["--data", str(place.data), "--out", str(asked.folder), "--store", str(store)]
    start = [sys.executable, "-m", "earmark"]
    if asked.way == "system":
        scale = place.scale(line)
        share = 1.0 if asked.share is None else asked.share
        budget = f"epochs={share},widths={scale.widths},seconds={scale.seconds}"
        changes = _changed((*line.changes, *scale.changes, *asked.more))
        return [*start, "reproduce", line.system, *common, "--fold", asked.fold, "--budget", budget, *changes]
    if asked.way == "student":
        full = next(iter(asked.plan.epochs.values()))
        n_epochs = full if asked.share is None else max(1, round(full * asked.share))
        changes = _changed((*line.changes, f"training.epochs={n_epochs}"))
        how = ["--recipe", line.recipe, *common, "--fold", asked.fold]
        return [*start, "distil", *_teachers(asked, place), *how, *changes]
    recipe = scaled(line, place, asked.share)
    # The recipe of a trial is not that of the line, and both may be wanted to look at.
    folder = asked.folder.relative_to(place.out)
    written = place.out / "recipes" / f"{'-'.join(folder.parts)}.yaml"
    write_text_atomically(written, dump(recipe.model_dump(mode="json")))
    return [*start, "train", str(written), *common, "--fold", asked.fold]


def _changed(changes: tuple[str, ...]) -> list[str]:
    return [part for change in changes for part in ("-s", change)]


def _teachers(asked: Asked, place: Place) -> list[str]:
    """The trainings whose models speak in the last scores of the line that teaches."""
    assert asked.teacher is not None
    rows = record_of(asked.teacher, place)["stages"]
    by_name = {row["stage"]: row for row in rows}
    named = {}
    for row in speakers(rows, rows[-1]["stage"]):
        trained = row if is_training(row) else by_name[row["reads"][0]]
        named[trained["stage"]] = place.out / trained["folder"]
    return [f"{name}={folder}" for name, folder in named.items()]
