"""What one run guesses about some clips: a table for each of its weights that speak, and vectors of what they heard.

A table that is there already, made by the same weights of the same clips, is not made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.core.predictions import HOLDS_OUT, Predictions
from earmark.data.clips import Clips
from earmark.data.store import Store
from earmark.data.tables import write_embeddings, write_predictions
from earmark.inference.predict import hear, predict
from earmark.inference.tagger import Tagger, load_tagger
from earmark.runs.folder import RunFolder
from earmark.stages.external import NOTED, noted
from earmark.stages.finished_runs import speakers
from earmark.stages.made_before import is_space, is_table, weights_name
from earmark.stages.show import Show
from earmark.stages.use import used


class Asked(NamedTuple):
    """What is asked of a run, and where the answer goes."""

    part: str
    place: RunFolder
    snapshots: bool | Sequence[float]
    """Whether snapshots speak; see `speakers`."""
    softmax: bool
    """Whether what taggers say are log-odds of one choice among all classes."""
    changes: tuple[str, ...]
    """To how the taggers are used."""
    in_training: bool = False
    """Whether networks answer as they train, which is somebody's mistake."""

    def said(self, predictions: Predictions, facts: dict[str, Any]) -> Predictions:
        """What a tagger said as log-odds of each class, with where it comes from."""
        if self.softmax:
            predictions = replace(predictions, link="softmax_logit").on("probability").on("logit")
        return replace(predictions, provenance=facts)


def guesses_of_run(
    run: RunFolder,
    asked: Asked,
    wanted: Manifest,
    out_of_fold: bool,
    trusted: Manifest | None,
    store: Store,
    show: Show,
    device: str | torch.device,
) -> tuple[list[Path], Path | None]:
    """The tables of one run: guesses by each of its taggers, and vectors by the last one.

    Args:
        wanted: the clips.
        out_of_fold: whether the run has learnt from none of them.
        trusted: clips of which there are to be vectors as well; none writes no vectors.

    Raises:
        RunError: snapshots are to speak that there are not.
        DataError: the vocabularies differ.
    """
    takers = speakers(run, asked.part, snapshots=asked.snapshots)
    clips = Clips.of(wanted, store)
    tables = {
        name: (asked.place.predictions(name), _facts(run, weights, clips, out_of_fold, asked))
        for name, weights in takers.items()
    }
    space = None
    if trusted is not None:
        space = asked.place.path / "embeddings.parquet"
        name, weights = list(takers.items())[-1]
        table, facts = tables[name]
        everybody = Clips.of(trusted.joined(wanted), store)
        if not (is_table(table, clips.ids, facts) and is_space(space, everybody.ids, facts)):
            heard = hear(
                _tagger(run, weights, wanted, asked.changes, device),
                everybody,
                track=show.track,
                what=f"hear {run.path.name}",
            )
            write_embeddings(replace(heard.embeddings, provenance=facts), space)
            if not asked.in_training:
                write_predictions(asked.said(heard.predictions.aligned(clips.ids), facts), table)
    for name, weights in takers.items():
        table, facts = tables[name]
        if not is_table(table, clips.ids, facts):
            tagger = _tagger(run, weights, wanted, asked.changes, device)
            legacy = asked.in_training
            made = predict(tagger, clips, track=show.track, what=f"predict {name}", legacy_in_training=legacy)
            write_predictions(asked.said(made, facts), table)
    return [table for table, _ in tables.values()], space


def _tagger(
    run: RunFolder, weights: Path, manifest: Manifest, changes: Sequence[str], device: str | torch.device
) -> Tagger:
    tagger = used(load_tagger(weights, device), changes)
    tagger.must_be_taught()
    differing = sorted(set(tagger.classes) ^ set(manifest.classes))
    if differing:
        raise DataError(
            f"run '{run.path}' and the manifest are over different vocabularies: only one of them knows "
            f"'{differing[0]}'; name the data that the run was trained on"
        )
    return tagger


def _facts(run: RunFolder, weights: Path, clips: Clips, out_of_fold: bool, asked: Asked) -> dict[str, Any]:
    """Where a table of guesses comes from."""
    name = weights_name(weights)
    facts = run.facts()
    return {
        "run": run.path.name,
        "fold": facts.get("fold"),
        "weights": name,
        "out_of_fold": out_of_fold,
        "without": list(clips.missing),
        **({HOLDS_OUT: facts[HOLDS_OUT]} if facts.get(HOLDS_OUT) else {}),
        **({"use": list(asked.changes)} if asked.changes else {}),
        **({"softmax": True} if asked.softmax else {}),
        **({"in_training": True} if asked.in_training else {}),
        **({NOTED: external} if (external := noted(run)) else {}),
    }
