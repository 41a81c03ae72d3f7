"""Running lines: each is a process of its own, kept when it is finished, gone on with when it is not.

A line that fails is noted with its sentence and the next one begins; the same command tries it again, and measures what
could not be measured. Nothing is thrown away but the short trainings by which paces are measured.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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
from bench.league.record import FAILED, FINISHED, Row, is_finished, note, record_of, sentence_of, stages_in
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
    failed: list[str] = field(default_factory=list)
    """Names of the lines that failed, be it that not even this could be noted."""
    stop: Event = field(default_factory=Event)
    """Set: begin nothing any more."""
    lock: Lock = field(default_factory=Lock)
    """Held by whoever plans, packs or measures in this process."""


def run(league: League, only: Sequence[str], jobs: int) -> None:
    """Run what is missing; at most so many lines at a time.

    Args:
        only: names of lines; empty: all.
    """
    # What has no budget takes as long as it takes: who begins with it is not left with it alone.
    found = sorted(families(tuple(league.lines.values())), key=lambda family: family[0].budgeted)
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
        _measure_again(league, line)
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
    except Exception as error:  # whatever befalls a line, the others go on
        found = {"state": FAILED, "sentence": sentence_of(error, place)}
    found |= {"seconds": round(time.monotonic() - began, 1), "machine": environment()}
    try:
        note(line, place, found)
    except EarmarkError as error:
        found = {**found, "state": FAILED, "sentence": str(error)}
    if found["state"] == FAILED:
        league.failed.append(line.name)
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
    notes = _measure(league, line, rows)
    return {"command": typed, "share": share, "n_models": plan.n_models, "stages": rows, "notes": notes}


def _measure(league: League, line: Line, rows: Sequence[Row]) -> list[str]:
    """Measure what is not measured yet; the sentences of what could not be, which are told as well."""
    with league.lock:
        notes = measure(rows, league.place)
    for told in notes:
        league.tell(f"{line.name}: {told}")
    return notes


def _measure_again(league: League, line: Line) -> None:
    """Measure what could not be measured when a line was finished, for a full disk, say."""
    record = record_of(line, league.place)
    notes = _measure(league, line, record["stages"])
    if notes != record.get("notes", []):
        with suppress(EarmarkError):  # its older notes are no harm
            note(line, league.place, record | {"notes": notes})


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
        # Not before: what was measured could then not be noted, and would have to be measured again.
        shutil.rmtree(_trial(league, line), ignore_errors=True)
    return float(held["share"])


def _paces(league: League, line: Line, plan: Outline) -> dict[str, float]:
    """Seconds an epoch of every training of a line, by three epochs of each."""
    place, way = league.place, way_of(line)
    assert way is not None
    share = _TRIED_EPOCHS / max(plan.epochs.values())
    as_long = tuple(f"{name}.training.epochs={_TRIED_EPOCHS}" for name in plan.epochs) if way == "system" else ()
    # What a student's teachers say is needed again afterwards, so it is tried where it will be trained.
    folder = place.folder(line) if way == "student" else _trial(league, line)
    asked = Asked(line, way, plan, league.lines.get(line.teacher), share, folder, first_fold(place), as_long)
    _execute(league, line, command(asked, place))
    return paces(stages_in(folder, line, way, place.out), place.out, plan.epochs)


def _trial(league: League, line: Line) -> Path:
    return league.place.out / "paces" / line.name


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
    raise RunError(_last_words(log) or f"it ended with code {code} and without a sentence; read '{log}'", log)


def _last_words(log: Path) -> str:
    """The sentence with which the last command of a log ended; empty where it came to none, on a full disk, say."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    of_last = f"\n{text}".rpartition("\n$ ")[2]
    _, found, sentence = of_last.rpartition("\nearmark: ")
    return sentence.strip() if found else ""
