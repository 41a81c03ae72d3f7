"""What ``earmark score`` prints about verdicts on labels, where the truth about them is known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from earmark.cleaning.judge import Found
from earmark.cli.console import Console
from earmark.reports.tables import text_table
from earmark.reports.wording import share
from earmark.stages.judging import JudgedVerdicts, judge_verdicts
from earmark.stages.score import numbers

_ROWS = {
    "given labels that are right: kept": ("right",),
    "given labels at fault: dropped": ("faulty",),
    "labels that were missing: added": ("incomplete", "replaced"),
    "clips of none of the classes: found": ("out_of_vocabulary",),
}


def score_verdicts(place: Path, truth: Path, as_json: bool) -> int:
    """Say how many of the errors a table of verdicts has found."""
    judged = judge_verdicts(place, truth)
    if judged.n_untold:
        Console().say(f"'{truth}' knows nothing of {judged.n_untold} clips with a verdict; these are left out")
    print(_as_json(place, judged) if as_json else "\n".join(verdicts_as_text(judged)))
    return 0


def verdicts_as_text(judged: JudgedVerdicts) -> Iterable[str]:
    """A sentence and a table for a terminal."""
    n_faulty = judged.found["faulty"].n
    yield (
        f"{judged.n_labels} labels of {judged.n_clips} clips, {n_faulty} of them at fault "
        f"({share(n_faulty, judged.n_labels)}); {judged.n_open} labels were left open"
    )
    rows: list[list[str | float | None]] = []
    for name, kinds in _ROWS.items():
        all_of = _together(judged.found[kind] for kind in kinds)
        rows.append([name, all_of.n, all_of.n_said, all_of.n_hit, all_of.precision, all_of.recall])
    yield text_table(["what", "there are", "verdicts", "right ones", "precision", "recall"], rows)


def _together(found: Iterable[Found]) -> Found:
    """Several kinds as one; of the order between them nothing is known."""
    parts = list(found)
    n, n_said, n_hit = (sum(getattr(part, name) for part in parts) for name in ("n", "n_said", "n_hit"))
    return Found(n, n_said, n_hit, auroc=float("nan"))


def _as_json(place: Path, judged: JudgedVerdicts) -> str:
    kinds = {
        kind: numbers({"n": f.n, "n_said": f.n_said, "n_hit": f.n_hit, "precision": f.precision, "recall": f.recall})
        for kind, f in judged.found.items()
    }
    counts = {name: getattr(judged, name) for name in ("n_clips", "n_labels", "n_open", "n_untold")}
    return json.dumps({"verdicts": str(place), **counts, "kinds": kinds}, indent=1, allow_nan=False)
