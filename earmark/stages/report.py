"""The report: everything about a run on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.core.errors import RunError
from earmark.core.files import write_text_atomically
from earmark.core.manifest import Manifest
from earmark.core.settings import read
from earmark.core.yaml_text import parse
from earmark.data.store import Store
from earmark.reports.html import render
from earmark.reports.report import Report, ScoreRow
from earmark.reports.tables import confusions, per_class_table, worst_clips
from earmark.runs.folder import RunFolder
from earmark.stages.recipe import Recipe, unusual
from earmark.stages.score import Judged, judged_part

_N_WORST = 8
_HEARD_S = 10.0


def write_report(run: RunFolder, manifest: Manifest, store: Store, scores: Sequence[ScoreRow]) -> Path:
    """Write ``report.html`` from what lies in the run's folder.

    Classes and clips are looked at on the held-out fold where there is one: what is chosen by looking must not be
    chosen on the test part. Without a held-out fold they are those of the test part, and the page says so.

    Args:
        scores: what `earmark.stages.score.score_run` found.

    Raises:
        RunError: there is no finished run.
    """
    facts = run.facts()
    if not facts.get("finished"):
        raise RunError(f"'{run.path}' is no finished run; train it with earmark train first", run.path)
    text = (run.path / "recipe.yaml").read_text(encoding="utf-8")
    recipe = read(Recipe, parse(text), what=f"the recipe in '{run.path}'")
    part = "held_out" if run.predictions("held_out").is_file() else "test"
    judged = judged_part(run, part, manifest)
    quarantine = run.path / "quarantine.csv"
    page = Report(
        title=f"earmark: {run.path.name}",
        subtitle=_subtitle(facts, part),
        scores=tuple(scores),
        history=tuple(run.log()),
        settings_yaml=text,
        differences=tuple((path, str(default), str(here)) for path, default, here in unusual(recipe)),
        data=_data_facts(manifest, store) | _external(facts),
        quarantine=tuple(pl.read_csv(quarantine).to_dicts()) if quarantine.is_file() else (),
        environment=run.read_json("environment.json") or {},
        notes=(*_notes(recipe, facts, part if judged else "", run.log()), *_warnings(run.log())),
        **({} if judged is None else _looked_at(judged, manifest, store)),  # type: ignore[arg-type]
    )
    write_text_atomically(run.report, render(page))
    return run.report


def _looked_at(judged: Judged, manifest: Manifest, store: Store) -> dict[str, object]:
    scores, truth, known = judged.predictions.scores, judged.truth, judged.known
    groups = None if judged.groups is None else judged.groups.tolist()
    spans = {row["id"]: row for row in manifest.clips.to_dicts()}

    def hear(name: str) -> tuple[NDArray[np.float32], int]:
        span = spans[name]
        start, end = round(span["start_s"] * store.rate_hz), store.n_samples(span["file"])
        if span["end_s"] is not None:
            end = min(end, round(span["end_s"] * store.rate_hz))
        return store.read(span["file"], start, min(end - start, round(_HEARD_S * store.rate_hz))), store.rate_hz

    return {
        "classes": per_class_table(manifest.classes, truth, scores, known, groups=groups),
        "confusions": confusions(manifest.classes, truth, scores, known),
        "worst": worst_clips(judged.predictions, truth, _N_WORST, hear=hear, known=known),
    }


def _subtitle(facts: dict[str, object], part: str) -> str:
    aside = facts.get("put_aside")
    left_out = [] if facts.get("fold") is None else [facts["fold"], *(aside if isinstance(aside, list) else ())]
    learnt = f"all folds but {' and '.join(map(str, left_out))}" if left_out else "all training clips"
    return f"Learnt from {learnt} of {Path(str(facts.get('data', ''))).name}."


def _notes(recipe: Recipe, facts: dict[str, object], part: str, log: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    notes = []
    if part == "test":
        notes.append(
            "No fold was held out, so classes and worst clips are those of the test part: "
            "whatever is changed after looking at them must be judged on other clips."
        )
    # What was watched stands in the log; recipes of earlier runs do not say it.
    by_others = any("put_aside_lwlrap" in row for row in log)
    chosen = "" if by_others else " and the ".join(recipe.training.choosers.values())
    if chosen:
        notes.append(f"The held-out fold chose the {chosen}, so its score is a little too good.")
    began = facts.get("start")
    if isinstance(began, dict) and began["n_leaked"] is None:
        notes.append(
            "What its first weights had learnt from is not known; if clips that judge it, scores are too good."
        )
    elif isinstance(began, dict) and began["n_leaked"]:
        notes.append(
            f"Its first weights had learnt from {began['n_leaked']} of the clips that judge it, or of the groups of "
            "these, so its scores are too good."
        )
    said = facts.get("notes")
    notes += said if isinstance(said, list) else []
    return tuple(notes)


def _warnings(log: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a part of the objective was warned of, with the epoch in which it began."""
    return [f"In epoch {row['epoch']} {line}." for row in log for line in row.get("warnings", ())]


def _external(facts: dict[str, object]) -> dict[str, str]:
    """What the run took from elsewhere; nothing of runs that do not say."""
    said = facts.get("external_data")
    return {"external data": "; ".join(said) or "none"} if isinstance(said, list) else {}


def _data_facts(manifest: Manifest, store: Store) -> dict[str, str]:
    facts = {"classes": str(len(manifest.classes)), "rate": f"{store.rate_hz} Hz"}
    for (part, origin), table in manifest.clips.group_by("part", "origin", maintain_order=True):
        hours = (table["seconds"].sum() or 0.0) / 3600
        labels = manifest.labels.filter(pl.col("clip").is_in(table["id"].to_list())).height
        facts[f"{part}, {origin}"] = f"{table.height} clips, {hours:.2f} h, {labels} labels"
    return facts
