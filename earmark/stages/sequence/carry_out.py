"""Carrying a plan out, as often as it takes.

    OUT/sequence.json            what stands where, and in which state
    OUT/sequence.lock            held while somebody works on it
    OUT/NAME-0a1b2c3d/           the folder of a stage: its name and the beginning of its fingerprint

A stage that has finished under the same fingerprint is skipped; one that was begun goes on where it was, as trainings,
guesses and cleanings do by themselves. A changed setting gives another fingerprint, to the stage and, as soon as it
has left something else, to those that read from it, and so other folders: **nothing that was computed is ever
overwritten or taken away.** Whoever goes back to the former settings finds the former results, and whoever needs the
room can see in ``sequence.json`` (under ``former``) which folders the present plan has no use for.

A stage reads what earlier ones left by its content. So what was trained anew and became the same costs nothing
further on, and what was trained anew elsewhere and differs in the last bit is never mixed with what came of the other.

Where trainings ask for several devices, as many processes carry the same plan out. They learn together; whatever else
there is to do, and to say, is the first one's, and the others wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from earmark.core.errors import RunError
from earmark.core.fingerprint import fingerprint
from earmark.stages.sequence.plan import Plan, outlined
from earmark.stages.sequence.stage import Stage, Trained, content
from earmark.stages.sequence.standing import FINISHED, Standing
from earmark.stages.sequence.training import Training

_LOCK = "sequence.lock"


def carry_out(plan: Plan, out: Path, *, name: str = "sequence") -> list[dict[str, Any]]:
    """Do every stage that is not done yet.

    Args:
        out: a folder of its own; it belongs to sequences of this name.
        name: which sequence it is.

    Returns:
        The stages as ``sequence.json`` has them.

    Raises:
        RunError: the folder belongs to another sequence or holds something else, or another process is at work there.
        SettingsError, DataError, Diverged: see the stages. What was finished before stays.
    """
    plan.must_know_its_stages()
    ground = plan.ground
    ground.expect({stage.recipe.pack for stage in plan.stages if isinstance(stage, Trained)})
    ground.launch(stage.recipe.training for stage in plan.stages if isinstance(stage, Training))
    return ground.told(_carried_out(plan, out, name) if ground.is_first else _attended(plan))


def _attended(plan: Plan) -> list[dict[str, Any]]:
    """What processes do beside the first: they learn with it, and leave the rest to it."""
    places: dict[Stage, Path] = {}
    for stage in plan.stages:
        places[stage], is_to_do = plan.ground.told((Path(), False))
        if is_to_do and isinstance(stage, Training):
            stage.work(plan.ground, places)
    return []


def _carried_out(plan: Plan, out: Path, name: str) -> list[dict[str, Any]]:
    """Every stage, one after the other, and what ``sequence.json`` then says of them."""
    ground, show = plan.ground, plan.ground.show
    facts = {"data": str(ground.data), "fold": plan.fold, "budget": plan.budget.model_dump(mode="json")}
    with _alone(out):
        standing = Standing.open(out, name, facts, outlined(plan.stages))
        places: dict[Stage, Path] = {}
        for number, stage in enumerate(plan.stages, start=1):
            where = f"stage {number} of {len(plan.stages)}, {stage.name}"
            read = [standing.result(each.name) for each in stage.reads]
            finger = fingerprint(stage.kind, stage.asked(ground), read)
            places[stage] = stage.place(out, finger)
            called = places[stage].name if places[stage].parent == out else str(places[stage])
            row = standing.place(stage.name, called, finger)
            is_done = row["state"] == FINISHED and places[stage].is_dir()
            ground.told((places[stage], not is_done))
            if is_done:
                show.say(f"{where}: finished before, skipped ('{called}')")
                continue
            show.say(f"{where}: {stage.says()}, in '{called}'")
            former = standing.former(stage.name)
            if former and not places[stage].is_dir():
                show.say(f"its settings or what it reads have changed; what came of the former stays in '{former}'")
            standing.begin(stage.name)
            began = time.monotonic()
            stage.work(ground, places)
            seconds = round(time.monotonic() - began, 1)
            standing.finish(stage.name, content(stage, places[stage]), seconds, stage.scores(places[stage]))
    return standing.rows


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other processes from working on this sequence."""
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(out / _LOCK, timeout=0):
            yield
    except filelock.Timeout:
        raise RunError(
            f"another process is at work on the sequence in '{out}'; wait until it is done, or end it", out
        ) from None
    finally:
        if is_new and out.is_dir() and [place.name for place in out.iterdir()] == [_LOCK]:
            (out / _LOCK).unlink()
            out.rmdir()
