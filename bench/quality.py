"""How well recipes learn a data set: ``python -m bench.quality STUDY --data FOLDER``.

A study is a few arms, each a recipe with changes. Every fit is one ``earmark train`` in a process of its own, so that
its memory and time are its own; fits that are finished are kept, an interrupted one goes on, and the table says what
is missing. Arms are chosen by their held-out folds; the test column is there to be reported.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.fits import Fit, Place, learn
from bench.studies import STUDIES
from bench.studies.arm import Study
from earmark.core.predictions import Predictions, pooled
from earmark.data.tables import read_predictions
from earmark.metrics.bootstrap import Interval, lwlrap_difference
from earmark.reports.tables import score_row
from earmark.stages.score import Judged, judge, read_truth


def fits_of(study: Study) -> list[Fit]:
    """Everything to be learnt, one seed and fold of every arm after the other."""
    return [Fit(arm, fold, seed) for seed in study.seeds for fold in study.folds for arm in study.arms]


def main() -> None:
    """Run what is missing of a study, then print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--data", type=Path, required=True, help="a data folder whose labelled clips have folds")
    parser.add_argument("--out", type=Path, default=Path("runs/studies"), help="where the runs lie")
    parser.add_argument("--fold", action="append", help="only this fold (or none); may be given often")
    parser.add_argument("--seed", type=int, action="append", help="only this seed; may be given often")
    parser.add_argument("--arm", action="append", help="only this arm; may be given often")
    parser.add_argument("--most-s", type=float, default=float("inf"), help="begin no further fit after so many seconds")
    parser.add_argument("--table-only", action="store_true", help="train nothing, print what there is")
    asked = parser.parse_args()
    study = STUDIES[asked.study]
    out = asked.out / (study.folder or asked.study)
    began = time.monotonic()
    place = Place(asked.data, out, asked.out / "store")
    for fit in fits_of(study):
        wanted = not asked.table_only and fit.fold in (asked.fold or study.folds)
        wanted = wanted and fit.seed in (asked.seed or study.seeds) and fit.arm.name in (asked.arm or [fit.arm.name])
        if wanted and time.monotonic() - began < asked.most_s:
            learn(fit, place, study.budget_s)
    print(table(study, asked.data, out))


def table(study: Study, data: Path, out: Path) -> str:
    """What is known so far, as a table in Markdown."""
    lines = [
        "| arm | fits | held out lwlrap | gain, paired | test lwlrap | test, Private "
        "| epochs | s a fit | clips/s | peak MiB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    fits = fits_of(study)
    done = [fit for fit in fits if fit.is_finished(out)]
    for arm in study.arms:
        n_fits = len(study.folds) * len(study.seeds)
        own = [fit for fit in done if fit.arm == arm]
        cells = _cells(own, data, out)
        first = [fit for fit in done if fit.arm == study.arms[0]]
        cells.insert(1, _gain(first, own, data, out) if arm != study.arms[0] else "")
        lines.append("| " + " | ".join([arm.name, f"{len(own)} of {n_fits}", *cells]) + " |")
    return "\n".join([*lines, "", _missing([fit for fit in fits if fit not in done])])


def _missing(fits: list[Fit]) -> str:
    """What is still to be learnt, arm by arm."""
    if not fits:
        return "Missing: nothing."
    arms = {fit.arm.name: [f"{f.fold}/{f.seed}" for f in fits if f.arm == fit.arm] for fit in fits}
    named = "; ".join(f"{name} {', '.join(which)}" for name, which in arms.items())
    return f"Missing (fold/seed; the same command goes on with them): {named}."


def _cells(done: list[Fit], data: Path, out: Path) -> list[str]:
    """Scores of each seed, with their interval where there is one seed only; then time and memory over all fits."""
    held = {
        fit.seed: [_predicted(f, "held_out", out) for f in done if f.seed == fit.seed and f.fold != "none"]
        for fit in done
        if fit.fold != "none"
    }
    test = {fit.seed: _predicted(fit, "test", out) for fit in done if fit.fold == "none"}
    cells = [_scores([pooled(parts) for parts in held.values()], data, "")]
    cells += [_scores(list(test.values()), data, ""), _scores(list(test.values()), data, "Private")]
    measured: list[dict[str, Any]] = [m for fit in done if (m := fit.run(out).read_json("measured.json"))]
    speeds = [row["clips_per_s"] for fit in done for row in fit.run(out).log()[1:]]
    cells.append(f"{max(len(fit.run(out).log()) for fit in done)}" if done else "–")
    cells.append(f"{sum(m['wall_s'] for m in measured) / len(measured):.0f}" if measured else "–")
    cells.append(f"{sorted(speeds)[len(speeds) // 2]:.0f}" if speeds else "–")
    cells.append(f"{max(m['peak_mib'] for m in measured):.0f}" if measured else "–")
    return cells


def _gain(first: list[Fit], own: list[Fit], data: Path, out: Path) -> str:
    """lwlrap above the first arm on the folds and seeds that both have; a clip of several seeds is drawn as one."""
    before = {(fit.fold, fit.seed): fit for fit in first}
    pairs = [(before[fit.fold, fit.seed], fit) for fit in own if fit.fold != "none" and (fit.fold, fit.seed) in before]
    if not pairs:
        return "–"
    rows = [[judged_on(_predicted(fit, "held_out", out), data) for fit in pair] for pair in pairs]
    found = lwlrap_difference(
        np.concatenate([a.truth for a, _ in rows]),
        *(np.concatenate([pair[i].predictions.scores for pair in rows]) for i in (0, 1)),
        known=np.concatenate([a.known for a, _ in rows]),
        groups=[name for a, _ in rows for name in a.predictions.ids],
        seed=0,
    )
    return f"{found.value:+.4f} ({found.low:+.3f} to {found.high:+.3f})"


def _predicted(fit: Fit, part: str, out: Path) -> Predictions:
    return read_predictions(fit.run(out).predictions(part))


def _scores(found: list[Predictions], data: Path, usage: str) -> str:
    """A score a seed and their mean, or the one score with its interval."""
    scores = [_score(each, data, usage) for each in found]
    if any(score is None for score in scores) or not scores:
        return "–"
    known = [score for score in scores if score is not None]
    if len(known) == 1:
        return f"{known[0].value:.4f} ({known[0].low:.3f} to {known[0].high:.3f})"
    mean = sum(score.value for score in known) / len(known)
    return f"{mean:.4f} (" + ", ".join(f"{score.value:.4f}" for score in known) + ")"


def _score(predictions: Predictions, data: Path, usage: str) -> Interval | None:
    judged = judged_on(predictions, data)
    rows = judged.usage == usage if usage else judged.usage == judged.usage
    return score_row(usage, judged.truth[rows], judged.predictions.scores[rows], known=judged.known[rows]).lwlrap


def judged_on(predictions: Predictions, data: Path) -> Judged:
    """Predictions beside the truth of their clips; clips in quarantine have none."""
    truth = read_truth(data, predictions.classes)
    return judge(predictions, truth, excused=set(truth.ids))


if __name__ == "__main__":
    main()
