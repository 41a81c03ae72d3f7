"""``python -m bench.league``: run what is missing, then write the page.

Everything is kept, so the same command goes on after any interruption; it exits with 1 where lines have failed. On the
real recordings the page is ``docs/league.md``; on any other data it lies beside the runs.
"""

from __future__ import annotations

import argparse
import datetime
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from bench.league.line import Line
from bench.league.lines import LINES
from bench.league.page import page
from bench.league.place import BUDGET_S, REAL, ROOT, Place, data_folder
from bench.league.processes import Processes
from bench.league.record import FAILED, FINISHED, record_of
from bench.league.running import League, run
from bench.league.standing import Standing
from earmark.core.errors import EarmarkError, SettingsError
from earmark.core.files import write_text_atomically
from earmark.core.settings import nearest
from earmark.stages.fold_choice import NONE, is_fold

_STOPPED, _FAILED = 130, 1


def main(arguments: Sequence[str] | None = None, lines: dict[str, Line] | None = None) -> int:
    """Do what the command line says; the exit code.

    Args:
        lines: those of the league; none takes all there are.
    """
    options = _options(arguments)
    try:
        return _league(options, LINES if lines is None else lines)
    except EarmarkError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench.league", description=__doc__)
    parser.add_argument("--data", type=Path, help="a data folder with curated and noisy clips (fsdmini)")
    parser.add_argument("--out", type=Path, help="where the runs lie (runs/league/NAME OF THE DATA)")
    budget = f"seconds of a core, or the GPU, for each model and fold ({BUDGET_S:g}, or as it was begun)"
    parser.add_argument("--budget-s", type=float, help=budget)
    parser.add_argument("--fold", help="each fold in turn, or the number of one (each, or as it was begun)")
    parser.add_argument("--only", action="append", metavar="LINE", help="only this line; may be given often")
    parser.add_argument("--jobs", type=int, help="lines at a time (one a core, and one on a GPU)")
    parser.add_argument(
        "--most-s", type=float, default=float("inf"), help="begin no further line after so many seconds"
    )
    parser.add_argument("--table-only", action="store_true", help="run nothing, write the page of what there is")
    parser.add_argument("--page", type=Path, help="the page (docs/league.md, or beside the runs)")
    return parser.parse_args(arguments)


def _league(options: argparse.Namespace, lines: dict[str, Line]) -> int:
    import torch

    for name in options.only or ():
        if name not in lines:
            raise SettingsError(f"there is no line '{name}'; {nearest(name, lines)}")
    if options.fold is not None and (not is_fold(options.fold) or options.fold == NONE or "," in options.fold):
        raise SettingsError(f"--fold must be 'each' or the number of a fold, got '{options.fold}'")
    if options.budget_s is not None and not options.budget_s > 0:
        raise SettingsError(f"--budget-s must be above 0, got {options.budget_s:g}")
    data, gpu = data_folder(options.data), torch.cuda.is_available()
    out = options.out or Path("runs") / "league" / data.name
    place = Place.of(data, out, options.budget_s, options.fold, gpu, as_played=options.table_only)
    place.claim()
    if not gpu:
        torch.set_num_threads(1)
    code = 0 if options.table_only else _run(options, place, lines)
    written = options.page or (ROOT / "docs" / "league.md" if data.name == REAL else place.out / "league.md")
    write_text_atomically(written, page(Standing.of(place, tuple(lines.values()))))
    records = [record_of(line, place).get("state") for line in lines.values()]
    _tell(f"written: {written}; {records.count(FINISHED)} of {len(lines)} lines are finished")
    return code or (_FAILED if FAILED in records else 0)


def _run(options: argparse.Namespace, place: Place, lines: dict[str, Line]) -> int:
    """Run lines; the exit code."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = Processes(None if place.gpu else 1)
    league = League(place, lines, processes, _tell, time.monotonic() + options.most_s)

    def stop(number: int, frame: FrameType | None) -> None:
        league.stop.set()
        processes.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        run(league, options.only or (), options.jobs or (1 if place.gpu else cores))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if league.stop.is_set():
        _tell("stopped; the same command goes on where it was")
        return _STOPPED
    return _FAILED if league.failed else 0


def _tell(line: str) -> None:
    with suppress(OSError):  # where this goes to a file, a full disk is no reason to run no further
        print(f"{datetime.datetime.now():%H:%M} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
