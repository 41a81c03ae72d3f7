"""What a model weighs and how fast it tags, measured once when its line is finished.

Speed is clips a second at tagging, from the packed store, of the models of one fold, on one core or the GPU: up to 200
test clips, or curated ones where there is no test part, heard as the scores heard them. A snapshot is a set of weights
like any other. What is measured lies beside the models, in ``measured.json``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.league.place import Place
from bench.league.record import Row, is_training, kind, sentence_of
from earmark.data.clips import Clips
from earmark.data.store import Store
from earmark.data.tables import read_predictions
from earmark.inference.predict import predict
from earmark.inference.tagger import load_tagger
from earmark.runs.folder import RunFolder
from earmark.runs.table_names import TableName
from earmark.stages.finished_runs import runs_in
from earmark.stages.prepare import read_manifest
from earmark.stages.recipe import read_recipe
from earmark.stages.use import used

_MOST_CLIPS = 200
_WARMING = 8


def measure(stages: Sequence[Row], place: Place) -> list[str]:
    """Measure the models of all stages that train or predict, but for what was measured before.

    Returns:
        A sentence for each that could not be measured: that is no reason to lose a line.
    """
    notes = []
    for row in stages:
        try:
            _measure(row, stages, place)
        except Exception as error:  # whatever befalls it, the line has learnt what it has
            notes.append(f"{row['stage']}: its speed could not be measured: {sentence_of(error, place)}")
    return notes


def _measure(row: Row, stages: Sequence[Row], place: Place) -> None:
    folder = RunFolder(place.out / row["folder"])
    if not (is_training(row) or kind(row) == "predict") or folder.read_json("measured.json"):
        return
    if is_training(row):
        run = runs_in(folder.path)[0]
        if run.facts().get("taught") is False:  # it learnt without labels, and tags nothing
            return
        found = _measured(run, (), place)
    else:
        by = next(each for each in stages if each["stage"] == row["reads"][0])
        run, said = runs_in(place.out / by["folder"])[0], _said(folder.path)
        found = _measured(run, said[0].get("use", ()), place)
        found = {"parameters": found["parameters"] * len(said), "s_a_clip": found["s_a_clip"] * len(said)}
    folder.write_json("measured.json", found)


def _said(folder: Path) -> list[dict[str, Any]]:
    """Where the tables of one fold that a stage of predictions left come from: one for each set of weights."""
    first = next(iter(sorted(folder.glob("fold-*"))), folder)
    named = {table: TableName.read(table.stem) for table in sorted((first / "predictions").glob("*.parquet"))}
    for part in ("held_out", "test"):
        own = {table: name for table, name in named.items() if name and name.part == part}
        snapshots = [table for table, name in own.items() if name.epoch is not None]
        if own:
            return [dict(read_predictions(table).provenance) for table in snapshots or own]
    return [{}]


def _measured(run: RunFolder, changes: Sequence[str], place: Place) -> dict[str, float]:
    recipe = read_recipe(str(run.path / "recipe.yaml"))
    tagger = used(load_tagger(run.tagger, "cuda" if place.gpu else "cpu"), changes)
    manifest = read_manifest(place.data, recipe.source)
    clips = manifest.where(part="test")
    clips = clips if len(clips) else manifest.where(part="train", origin="curated")
    heard = Clips.of(clips, Store.open(place.store(frozenset({recipe.pack}))))
    heard = heard.rows(np.arange(min(len(heard), _MOST_CLIPS)))
    predict(tagger, heard.rows(np.arange(min(len(heard), _WARMING))))
    began = time.perf_counter()
    predict(tagger, heard)
    return {
        "parameters": sum(weights.numel() for weights in tagger.network.parameters()),
        "s_a_clip": (time.perf_counter() - began) / len(heard),
    }
