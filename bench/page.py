"""The page: results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from bench.catalogue import BENCHMARKS, described
from bench.results import Result, Results
from bench.row import Row

# From this share on, what other programs did may have changed the ratios.
BUSY = 0.15

# More rows than this are told in one line at the top.
MOST_AT_TOP = 24

INTRODUCTION = """\
# Benchmarks

How fast earmark is, as ratios: each time it and a peer do the same work on the same cores in the same run, taking
turns. A ratio of 2 means that earmark took half the time. Speeds and ratios are medians over the turns after a first
one that does not count; the range is that of the ratios of single turns. Sounds are generated.

`make bench` measures what has not been measured yet and writes this page; `python -m bench --again` measures
everything anew. The numbers lie in `bench/results.json`.
"""


def page(results: Results) -> str:
    """The whole page."""
    there = [name for name in BENCHMARKS if name in results]
    missing = [name for name in BENCHMARKS if name not in results]
    parts = [INTRODUCTION]
    if there:
        short = [line for name in there for line in _short(name, results[name].rows)]
        parts.append(_table(["", "earmark", "peer", "ratio"], short))
    if missing:
        named = ", ".join(BENCHMARKS[name] for name in missing)
        parts.append(f"Not measured yet: {named} (`python -m bench --only {' '.join(missing)}`).\n")
    parts += [_section(name, results[name]) for name in there]
    return "\n".join(parts)


def _section(name: str, result: Result) -> str:
    noted = any(row.note for row in result.rows)
    header = ["earmark", "peer", "unit", "earmark's speed", "peer's speed", "ratio", "range", *["notes"] * noted]
    rows = [
        [row.what, row.peer, row.unit, _number(row.ours), _number(row.theirs), _number(row.ratio), _range(row)]
        + [row.note] * noted
        for row in result.rows
    ]
    return f"## {BENCHMARKS[name]}\n\n{described(name)}\n\n{_table(header, rows)}\n{_origin(name, result)}\n"


def _origin(name: str, result: Result) -> str:
    """When, on what and how a result was measured."""
    machine = result.machine
    versions = ", ".join(f"{what} {machine[what]}" for what in ("python", "torch", "numpy") if what in machine)
    said = (
        f"Measured on {machine.get('date', 'an unknown day')}: {machine.get('processor', 'unknown processor')}, "
        f"{machine.get('cores', '?')} cores, {machine.get('threads', '?')} torch threads, {versions}; "
        f"it took {result.seconds:.0f} s. Again: `python -m bench --again --only {name}`."
    )
    if result.others >= BUSY:
        said += (
            f" Other programs took {result.others:.0%} of the processors meanwhile, "
            "so these ratios are rough: measure again on an idle machine."
        )
    return said


def _short(name: str, rows: Sequence[Row]) -> list[list[str]]:
    """The lines of a benchmark at the top of the page; one line for those that would fill it."""
    if len(rows) > MOST_AT_TOP:
        ratios = sorted(row.ratio for row in rows)
        said = f"{_number(ratios[0])} to {_number(ratios[-1])}"
        return [[BENCHMARKS[name], f"{len(rows)} comparisons, see below", "", said]]
    return [[BENCHMARKS[name], row.what, row.peer, f"**{_number(row.ratio)}**"] for row in rows]


def _range(row: Row) -> str:
    return f"{_number(row.lowest)} to {_number(row.highest)}"


def _number(value: float) -> str:
    """Two or three digits that mean something.

    >>> [_number(value) for value in (0.843, 4.27, 61.8, 15321.0)]
    ['0.84', '4.27', '61.8', '15,321']
    """
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
