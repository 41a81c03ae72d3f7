"""Running lines: each is a process of its own, kept when it is finished, gone on with when it is not.

A line that fails is noted with its sentence and the next one begins; the same command tries it again. Nothing is
thrown away but the short trainings by which paces are measured.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

from bench.league.commands import Asked, command
from bench.league.line import Line, families
from bench.league.measure import measure
from bench.league.outline import Outline, Way, first_fold, outline, way_of
from bench.league.pace import paces, share_within
from bench.league.place import Place
from bench.league.record import FAILED, FINISHED, is_finished, note, stages_in
from earmark.core.errors import EarmarkError, RunError
from earmark.reports.wording import duration
from earmark.runs.environment import environment
from earmark.stages.prepare import prepare
from earmark.stages.show import Silent

_BAD_FILES, _STOPPED = 6, 130
_TRIED_EPOCHS = 3
_LONGEST = 1e6
"""The share of its epochs that a line which may train for longer never exceeds."""

Execute = Callable[[Sequence[str], Path], int]
"""Runs a command, what it says added to a file; its exit code."""


class Stopped(Exception):  # noqa: N818 - somebody's wish, not an error
    """Somebody stopped a line, and with it the league."""


@dataclass(frozen=True)
class League:
    """What it takes to run lines."""

    place: Place
    lines: dict[str, Line]
    execute: Execute
    tell: Callable[[str], None]
    until: float = float("inf")
    """Begin no further line after this moment of the monotonic clock."""
    stop: Event = field(default_factory=Event)
    """Set: begin nothing any more."""
    lock: Lock = field(default_factory=Lock)
    """Held by whoever plans, packs or measures in this process."""


def run(league: League, only: Sequence[str], jobs: int) -> None:
    """Run what is missing; at most so many lines at a time.

    Args:
        only: names of lines; empty: all.
    """
    found = families(tuple(league.lines.values()))
    wanted = [[line for line in family if not only or line.name in only] for family in found]
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        try:
            for done in [pool.submit(_family, league, family) for family in wanted]:
                done.result()
        except BaseException:
            league.stop.set()
            raise


def _family(league: League, lines: Sequence[Line]) -> None:
    for line in lines:
        if not league.stop.is_set() and time.monotonic() < league.until:
            run_line(league, line)


def run_line(league: League, line: Line) -> None:
    """Run a line, unless it is finished or cannot be run, and note what became of it."""
    place, way, teacher = league.place, way_of(line), league.lines.get(line.teacher)
    if is_finished(line, place):
        league.tell(f"{line.name}: finished before")
        return
    if way is None or (teacher and not is_finished(teacher, place)):
        league.tell(f"{line.name}: passed over; {lacking(line)}")
        return
    began = time.monotonic()
    try:
        found = {"state": FINISHED, **_carried_out(league, line, way)}
    except Stopped:
        league.stop.set()
        return
    except EarmarkError as error:
        found = {"state": FAILED, "sentence": " ".join(str(error).split())}
    except Exception as error:  # whatever befalls a line, the others go on
        text = " ".join(str(error).split())
        found = {"state": FAILED, "sentence": f"something unexpected: {type(error).__name__}: {text}"}
    found |= {"seconds": round(time.monotonic() - began, 1), "machine": environment()}
    try:
        note(line, place, found)
    except EarmarkError as error:
        found = {"state": FAILED, "sentence": str(error)}
    told = f"finished after {duration(found['seconds'])}" if found["state"] == FINISHED else found["sentence"]
    league.tell(f"{line.name}: {told}")


def lacking(line: Line) -> str:
    """Why a line cannot be run yet."""
    if way_of(line) is not None:
        return f"line '{line.teacher}', from whose models it learns, is not finished"
    there = [f"{what} '{name}'" for what, name in (("system", line.system), ("recipe", line.recipe)) if name]
    return f"earmark has no {' and no '.join(there)}"


def _carried_out(league: League, line: Line, way: Way) -> dict[str, Any]:
    """Carry a line out; what is to be noted of it.

    Raises:
        EarmarkError: with the sentence for its record.
        Stopped: somebody wants no more.
    """
    place = league.place
    with league.lock:
        plan = outline(line, place, league.lines.get(line.teacher))
        for pack in plan.packs:
            prepare(place.data.resolve(), pack, Silent(), store=place.store(frozenset({pack})))
    share = _share(league, league.lines.get(line.like, line)) if line.budgeted else None
    folder = place.folder(line)
    asked = Asked(line, way, plan, league.lines.get(line.teacher), share, folder, line.fold or place.fold)
    league.tell(f"{line.name}: begins; {_log(league, line)} says how far it is")
    typed = command(asked, place)
    _execute(league, line, typed)
    rows = stages_in(folder, line, way, place.out)
    with league.lock:
        notes = [told for row in rows if (told := measure(row, rows, place))]
    return {"command": typed, "share": share, "n_models": plan.n_models, "stages": rows, "notes": notes}


def _share(league: League, line: Line) -> float:
    """The share of its epochs for which a line trains; its pace is measured once."""
    place, kept = league.place, f"paces/{line.name}.json"
    held = place.read(kept)
    if held is None:
        league.tell(f"{line.name}: its pace is measured")
        with league.lock:
            plan = outline(line, place, league.lines.get(line.teacher))
        seconds = _paces(league, line, plan)
        most = _LONGEST if line.longer and way_of(line) != "system" else 1.0
        share = share_within(place.budget_s * plan.n_models, plan.epochs, seconds, most)
        held = {"s_an_epoch": seconds, "epochs": plan.epochs, "n_models": plan.n_models, "share": share}
        place.write(kept, held)
    return float(held["share"])


def _paces(league: League, line: Line, plan: Outline) -> dict[str, float]:
    """Seconds an epoch of every training of a line, by three epochs of each."""
    place, way = league.place, way_of(line)
    assert way is not None
    share = _TRIED_EPOCHS / max(plan.epochs.values())
    as_long = tuple(f"{name}.training.epochs={_TRIED_EPOCHS}" for name in plan.epochs) if way == "system" else ()
    # What a student's teachers say is needed again afterwards, so it is tried where it will be trained.
    folder = place.folder(line) if way == "student" else place.out / "paces" / line.name
    asked = Asked(line, way, plan, league.lines.get(line.teacher), share, folder, first_fold(place), as_long)
    _execute(league, line, command(asked, place))
    found = paces(stages_in(folder, line, way, place.out), place.out, plan.epochs)
    if way != "student":
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _log(league: League, line: Line) -> Path:
    return league.place.out / "logs" / f"{line.name}.log"


def _execute(league: League, line: Line, typed: list[str]) -> None:
    """Run a command to its end.

    Raises:
        RunError: it failed; the sentence is its own.
        Stopped: somebody stopped it.
    """
    log = _log(league, line)
    code = league.execute(typed, log)
    if code in (0, _BAD_FILES):
        return
    if code == _STOPPED or league.stop.is_set():
        raise Stopped
    if code < 0:
        raise RunError(f"its process was ended by signal {-code}; run the league again, and it goes on", log)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    raise RunError(said[-1].removeprefix("earmark: ") if said else f"it ended with code {code}, without a word", log)
