"""What ``earmark reproduce`` does, once imports no longer matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from earmark.cli.console import Console
from earmark.cli.work import BAD_FILES
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.core.yaml_text import override, parted
from earmark.reports.tables import text_table
from earmark.reports.wording import span
from earmark.stages.budget import read_budget
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan, outlined
from earmark.systems.system import System

_TOO_GOOD = "the held-out clips themselves chose something in this training (training.watch): their score is too good"


def reproduce_system(
    name: str,
    data: Path,
    out: Path | None,
    fold: str,
    budget: str | None,
    changes: list[str],
    store: Path | None,
    device: str,
    devices: int | None,
    only_plan: bool,
    console: Console,
) -> int:
    """``earmark reproduce``."""
    system, of_stages = read_system(name, changes)
    ground = Ground(
        data,
        store=store,
        source=system.source,
        folds=system.folds,
        seed=system.seed,
        device=device,
        show=console,
        reports=True,
    )
    plan = Plan(ground, fold=fold, seed=system.seed, budget=read_budget(budget), devices=devices, changes=of_stages)
    system.outline(plan)
    plan.must_know_its_stages()
    if only_plan:
        rows = outlined(plan.stages)
        print(text_table(["", "stage", "what it does"], [[i, r["stage"], r["does"]] for i, r in enumerate(rows, 1)]))
        return 0
    out = out or Path("runs") / name.rpartition(":")[2]
    rows = carry_out(plan, out, name=system.address)
    if not ground.is_first:
        return 0
    for line in stages_as_text(rows).splitlines():
        console.say(line)
    console.say(f"what stands where: '{out / 'sequence.json'}'")
    return BAD_FILES if ground.n_quarantined else 0


def read_system(name: str, changes: list[str]) -> tuple[System, list[str]]:
    """A system by its kind, with the changes that are of its own settings; the others name stages and are left.

    Raises:
        SettingsError: there is no such system, or everything that is wrong with its settings.
    """
    try:
        kind = System.named(name)
    except PydanticCustomError as error:
        raise SettingsError(error.message()) from None
    own, of_stages = parted(changes, kind.model_fields)
    start = read(kind, {}, what=f"system '{name}'")
    made = read(kind, override(start.model_dump(mode="json"), own), what=f"system '{name}' with its changes")
    return made, of_stages


def stages_as_text(rows: list[dict[str, Any]]) -> str:
    """What each stage scored, a line each; scores of clips that have chosen something have a star."""
    cells: list[list[str | float | None]] = []
    starred = False
    for row in rows:
        scores = {score["part"].split(",")[0]: score for score in reversed(row.get("scores", []))}
        if scores:
            chose = "chose" in scores.get("held out", {}).get("part", "")
            starred |= chose
            cells.append([row["stage"] + " *" * chose, *_score(scores.get("held out")), *_score(scores.get("test"))])
    table = text_table(["stage", "held-out lwlrap", "95 % interval", "test lwlrap", "95 % interval"], cells)
    return f"{table}\n* {_TOO_GOOD}" if starred else table


def _score(score: dict[str, Any] | None) -> list[str | float | None]:
    found = score["lwlrap"] if score else None
    return [found["value"], span(found["low"], found["high"])] if found else [None, ""]
