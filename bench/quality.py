"""How well recipes learn a data set: ``python -m bench.quality STUDY --data FOLDER``.

A study is a few arms, each a recipe with changes. Every fit is one ``earmark train`` in a process of its own, so that
its memory and time are its own; fits that are finished are kept, an interrupted one goes on, and the table says what
is missing. Arms are chosen by their held-out folds; the test column is there to be reported.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from earmark.core.predictions import pooled
from earmark.data.tables import read_predictions
from earmark.reports.tables import score_row
from earmark.runs.folder import RunFolder
from earmark.stages.score import judge, read_truth


class Arm(NamedTuple):
    """One way of training."""

    name: str
    recipe: str
    changes: tuple[str, ...] = ()


class Study(NamedTuple):
    """Arms, and the folds to hold out in turn; ``none`` learns from all folds and is what test is reported for."""

    arms: tuple[Arm, ...]
    folds: tuple[str, ...]


STUDIES = {
    "skip_net": Study(
        (Arm("skip net", "small"), Arm("the same without skips", "small", ("model.encoder.skip=false",))),
        ("0", "1", "2", "3", "4", "none"),
    ),
}


def main() -> None:
    """Run what is missing of a study, then print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--data", type=Path, required=True, help="a data folder whose labelled clips have folds")
    parser.add_argument("--out", type=Path, default=Path("runs/studies"), help="where the runs lie")
    parser.add_argument("--fold", action="append", help="only this fold (or none); may be given often")
    parser.add_argument("--most-s", type=float, default=float("inf"), help="begin no further fit after so many seconds")
    parser.add_argument("--table-only", action="store_true", help="train nothing, print what there is")
    asked = parser.parse_args()
    study, out = STUDIES[asked.study], asked.out / asked.study
    began = time.monotonic()
    for arm in study.arms:
        for fold in asked.fold or study.folds:
            if not asked.table_only and time.monotonic() - began < asked.most_s:
                _fit(arm, fold, asked.data, out)
    print(table(study, asked.data, out))


def _place(arm: Arm, fold: str, out: Path) -> RunFolder:
    return RunFolder(out / arm.name.replace(" ", "-") / f"fold-{fold}")


def _fit(arm: Arm, fold: str, data: Path, out: Path) -> None:
    """One fit in its own process; its time counts all tries, its memory is the most of any."""
    run = _place(arm, fold, out)
    if run.facts().get("finished") and run.read_json("measured.json"):
        return
    changes = [part for change in arm.changes for part in ("-s", change)]
    command = [sys.executable, "-m", "earmark", "train", arm.recipe, "--data", str(data), "--fold", fold, *changes]
    began = time.monotonic()
    process = subprocess.Popen([*command, "--out", str(run.path), "--store", str(out.parent / "store"), "--quiet"])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{arm.name}, fold {fold}: earmark train failed; its sentence stands above")
    before = run.read_json("measured.json") or {"wall_s": 0.0, "peak_mib": 0.0}
    run.write_json(
        "measured.json",
        {
            "wall_s": before["wall_s"] + time.monotonic() - began,
            "peak_mib": max(before["peak_mib"], used.ru_maxrss / 1024),
        },
    )
    print(f"{arm.name}, fold {fold}: {time.monotonic() - began:.0f} s", file=sys.stderr)


def table(study: Study, data: Path, out: Path) -> str:
    """What is known so far, as a table in Markdown."""
    lines = [
        "| arm | folds | held out lwlrap | test lwlrap | test, Private | s a fit | clips/s | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for arm in study.arms:
        runs = {fold: _place(arm, fold, out) for fold in study.folds}
        done = {fold: run for fold, run in runs.items() if run.facts().get("finished")}
        lines.append("| " + " | ".join([arm.name, *_cells(study, done, data)]) + " |")
    missing = [
        f"{arm.name} fold {fold}"
        for arm in study.arms
        for fold in study.folds
        if not _place(arm, fold, out).facts().get("finished")
    ]
    return "\n".join([*lines, "", "Missing: " + (", ".join(missing) if missing else "nothing") + "."])


def _cells(study: Study, done: dict[str, RunFolder], data: Path) -> list[str]:
    held = [read_predictions(run.predictions("held_out")) for fold, run in done.items() if fold != "none"]
    cells = [f"{len(held)} of {len([f for f in study.folds if f != 'none'])}"]
    cells.append(_score(pooled(held), data, "") if held else "–")
    final = done.get("none")
    test = read_predictions(final.predictions("test")) if final else None
    cells += [_score(test, data, "") if test else "–", _score(test, data, "Private") if test else "–"]
    measured: list[dict[str, Any]] = [m for run in done.values() if (m := run.read_json("measured.json"))]
    speeds = [row["clips_per_s"] for run in done.values() for row in run.log()[1:]]
    cells.append(f"{sum(m['wall_s'] for m in measured) / len(measured):.0f}" if measured else "–")
    cells.append(f"{sorted(speeds)[len(speeds) // 2]:.0f}" if speeds else "–")
    cells.append(f"{max(m['peak_mib'] for m in measured):.0f}" if measured else "–")
    return cells


def _score(predictions: Any, data: Path, usage: str) -> str:
    truth = read_truth(data, predictions.classes)
    judged = judge(predictions, truth, excused=set(truth.ids))  # quarantined clips have no prediction
    rows = judged.usage == usage if usage else judged.usage == judged.usage
    row = score_row(usage, judged.truth[rows], judged.predictions.scores[rows], known=judged.known[rows])
    if row.lwlrap is None:
        return "–"
    return f"{row.lwlrap.value:.4f} ({row.lwlrap.low:.3f} to {row.lwlrap.high:.3f})"


if __name__ == "__main__":
    main()
