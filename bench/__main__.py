"""``python -m bench``: measure what has not been measured yet, print it, and write the page.

What is finished is kept at once, so a run that is interrupted goes on where it was. ``--quick`` shows that everything
runs: it does little work, its numbers mean nothing, and it keeps none of them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.catalogue import BENCHMARKS, benchmark
from bench.page import page
from bench.results import Result, Results, load, measured, save
from earmark.core.errors import EarmarkError
from earmark.core.files import write_text_atomically

ROOT = Path(__file__).resolve().parent.parent
PAGE, RESULTS = ROOT / "docs" / "benchmarks.md", ROOT / "bench" / "results.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    options = _options(arguments)
    console = Console()
    try:
        return _run(options, console)
    except EarmarkError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description="Measure earmark's speed against peers.")
    parser.add_argument(
        "--quick", action="store_true", help="see that it runs; the numbers mean nothing and are not kept"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(BENCHMARKS), help=", ".join(BENCHMARKS))
    parser.add_argument("--again", action="store_true", help="measure what has been measured before, too")
    parser.add_argument("--out", type=Path, help="the page; docs/benchmarks.md, and with --quick none, unless given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where results are kept (bench/results.json)")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace, console: Console) -> int:
    results: Results = {} if options.quick else load(options.results)
    out: Path | None = options.out or (None if options.quick else PAGE)
    unable = 0
    for name in options.only or BENCHMARKS:
        if name in results and not options.again:
            console.print(f"{name}: measured on {results[name].machine.get('date')}; --again measures it anew")
        else:
            _use_all_cores()
            try:
                results[name] = measured(lambda: benchmark(name).measure(options.quick))  # noqa: B023 - called at once
            except ModuleNotFoundError as error:
                unable += 1
                print(
                    f"{name} needs '{error.name}', which is not installed; pip install 'earmark[dev]' brings it",
                    file=sys.stderr,
                )
                continue
            if not options.quick:
                save(results, options.results)
        console.print(_table(name, results[name]))
    if out is not None:
        write_text_atomically(out, page(results))
        console.print(f"written: {out}")
    return 1 if unable else 0


def _use_all_cores() -> None:
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _table(name: str, result: Result) -> Table:
    table = Table("what", "speeds", "ratio", title=BENCHMARKS[name])
    for row in result.rows:
        speeds = f"{row.ours:.3g} against {row.theirs:.3g} {row.unit}"
        table.add_row(f"{row.what}, against {row.peer}", speeds, f"{row.ratio:.2f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
