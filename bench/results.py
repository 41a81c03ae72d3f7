"""What was measured, when and on what: kept as JSON, so that a run that was interrupted goes on where it was.

A result belongs to its benchmark's name; measuring again replaces it as a whole.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bench.row import Row
from earmark.core.errors import DataError
from earmark.core.files import write_text_atomically
from earmark.runs.environment import environment


@dataclass(frozen=True)
class Result:
    """The rows of one benchmark and how they came about."""

    rows: tuple[Row, ...]
    machine: dict[str, str]
    """Date, processor, cores, versions."""
    seconds: float
    """How long all of it took."""
    others: float
    """Share of the processors that other programs took meanwhile, in [0, 1]."""


Results = dict[str, Result]


def measured(measure: Callable[[], list[Row]]) -> Result:
    """Run a benchmark, and watch what else the machine does."""
    start, busy, own = time.perf_counter(), _busy_s(), _own_s()
    rows = measure()
    seconds = time.perf_counter() - start
    others = (_busy_s() - busy) - (_own_s() - own)
    share = others / (seconds * (os.cpu_count() or 1))
    return Result(tuple(rows), environment(), round(seconds, 1), round(min(1.0, max(0.0, share)), 3))


def load(path: Path) -> Results:
    """The results in a file; none when there is no file.

    Raises:
        DataError: the file holds something else.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
        return {
            name: Result(**{**data, "rows": tuple(Row(**row) for row in data["rows"])}) for name, data in found.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"'{path}' should hold results of benchmarks, but cannot be understood ({error}); delete it, measure again",
            path,
        ) from error


def save(results: Results, path: Path) -> None:
    """Put these results in the place of the file."""
    plain = {
        name: {**asdict(result), "rows": [row._asdict() for row in result.rows]} for name, result in results.items()
    }
    write_text_atomically(path, json.dumps(plain, indent=1) + "\n")


def _busy_s() -> float:
    """Processor seconds that all programs of the machine have had."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


def _own_s() -> float:
    """Processor seconds that this process and its ended children have had."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
