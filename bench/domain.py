"""How well the nets of a study hear noisy clips: ``python -m bench.domain STUDY --data FOLDER``.

Noisy clips often come from elsewhere than the trusted ones. What they are worth to somebody whose recordings sound like
the one kind or the other need not be the same: so every net hears the noisy clips of the fold that it held out, which
it has not learnt from either, and is judged by what is truly in them (``truth/train_noisy.csv``). Clips with none of
the classes are left out, for there is nothing to rank. Studies are learnt by `bench.quality`; nothing is trained here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.fits import Fit, Place, told
from bench.quality import fits_of
from bench.studies import STUDIES
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.clips import Clips
from earmark.data.store import Store
from earmark.data.tables import read_predictions, write_predictions
from earmark.inference.predict import predict
from earmark.inference.tagger import load_tagger
from earmark.metrics.bootstrap import lwlrap_difference
from earmark.reports.tables import score_row
from earmark.stages.prepare import read_manifest

_TABLE = "noisy_held_out"


def main() -> None:
    """Let every finished net with a held-out fold hear its noisy clips, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--data", type=Path, required=True, help="a data folder with truth/train_noisy.csv and folds")
    parser.add_argument("--out", type=Path, default=Path("runs/studies"), help="where the runs lie")
    parser.add_argument("--arm", action="append", help="only this arm; may be given often")
    asked = parser.parse_args()
    study = STUDIES[asked.study]
    place = Place(asked.data, asked.out / (study.folder or asked.study), asked.out / "store")
    truth = told(read_manifest(place.data, None), place.data / "truth" / "train_noisy.csv")
    heard: dict[str, dict[tuple[str, int], Predictions]] = {}
    for fit in fits_of(study):
        if fit.fold != "none" and fit.is_finished(place.out) and fit.arm.name in (asked.arm or [fit.arm.name]):
            heard.setdefault(fit.arm.name, {})[fit.fold, fit.seed] = _heard(fit, place, truth)
    print(table(heard, truth))


def _heard(fit: Fit, place: Place, truth: Manifest) -> Predictions:
    """What a net says of the noisy clips of its fold; kept beside its other predictions."""
    run = fit.run(place.out)
    kept = run.predictions(_TABLE)
    if not kept.is_file():
        noisy = truth.where(part="train", origin="noisy", fold=int(fit.fold))
        write_predictions(predict(load_tagger(run.tagger, "cpu"), Clips.of(noisy, Store.open(place.store))), kept)
    return read_predictions(kept)


def table(heard: dict[str, dict[tuple[str, int], Predictions]], truth: Manifest) -> str:
    """Scores on the noisy clips, and what each arm is above the first on the folds and seeds of both, in Markdown."""
    lines = [
        "| arm | fits | clips | noisy clips, held out, lwlrap | above the first arm, paired |",
        "|---|---|---|---|---|",
    ]
    first = next(iter(heard.values()), {})
    for name, tables in heard.items():
        own = _judged(list(tables.values()), truth)
        score = score_row("", own[0], own[1]).lwlrap
        assert score is not None
        both = [key for key in tables if key in first]
        gain = ""
        if tables is not first and both:
            targets, before, ids = _judged([first[key] for key in both], truth)
            after = _judged([tables[key] for key in both], truth)[1]
            found = lwlrap_difference(targets, before, after, groups=ids, seed=0)
            gain = f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
        cells = [name, str(len(tables)), str(len(own[2])), f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"]
        lines.append("| " + " | ".join([*cells, gain]) + " |")
    return "\n".join(lines)


def _judged(
    tables: Sequence[Predictions], truth: Manifest
) -> tuple[NDArray[np.float32], NDArray[np.float64], list[str]]:
    """What is truly there and what was said, of the clips in which one of the classes is there; and their names."""
    targets, scores, ids = [], [], []
    for each in tables:
        there = truth.targets(each.ids).values
        some = there.any(axis=1)
        targets.append(there[some])
        scores.append(each.aligned(each.ids, truth.classes).scores[some])
        ids += [name for name, has in zip(each.ids, some, strict=True) if has]
    return np.concatenate(targets), np.concatenate(scores), ids


if __name__ == "__main__":
    main()
