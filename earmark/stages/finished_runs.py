"""The finished runs of a folder: which there are, which weights speak for them, and what they have not learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from earmark.core.errors import DataError, RunError
from earmark.core.manifest import Manifest
from earmark.runs.folder import RunFolder
from earmark.runs.table_names import TableName


def runs_in(path: Path) -> list[RunFolder]:
    """The finished run in a folder, or one run a fold.

    Raises:
        RunError: there is none, or one of them is not finished.
    """
    runs = [RunFolder(path)] if RunFolder(path).facts() else []
    runs = runs or [RunFolder(place.parent) for place in sorted(path.glob("fold-*/run.json"))]
    if not runs:
        raise RunError(f"'{path}' holds no run; name the folder of a training", path)
    for run in runs:
        if not run.facts().get("finished"):
            raise RunError(f"run '{run.path}' is not finished; finish it with earmark train first", run.path)
    return runs


def must_be_its_data(run: RunFolder, manifest: Manifest) -> None:
    """Refuse clips of which a run has learnt from none: whatever is made of them would take the place of its own.

    Raises:
        DataError: with the folder that it was trained on.
    """
    learnt = (run.read_json("learnt.json") or {}).get("clips")
    if learnt and not manifest.clips["id"].is_in(learnt).any():
        there = run.facts().get("data")
        raise DataError(
            f"run '{run.path}' has learnt from none of the {len(manifest)} clips in '{manifest.root}'; name the data "
            "that it was trained on" + (f" ('{there}')" if there else ""),
            manifest.root,
        )


def speakers(
    run: RunFolder, part: str, way: str = "", snapshots: bool | Sequence[float] = False
) -> dict[TableName, Path]:
    """The files of weights that speak for a run, by the names of their tables.

    Args:
        part: the clips of which they speak.
        way: what the way is called in which they hear them; empty for that of the run itself.
        snapshots: whether the snapshots speak instead of the last weights: all, or those nearest to some epochs.

    Raises:
        RunError: there are no snapshots.
    """
    if not snapshots:
        return {TableName(part, way): run.tagger}
    there = run.snapshots
    if not there:
        raise RunError(f"run '{run.path}' kept no snapshots; train it with training.snapshots: true", run.path)
    chosen = list(there)
    if not isinstance(snapshots, bool):
        chosen = sorted({min(there, key=lambda epoch: abs(epoch - wanted)) for wanted in snapshots})
    return {TableName(part, way, epoch): there[epoch] for epoch in chosen}


def unseen_by(run: RunFolder, wanted: Manifest) -> Manifest:
    """The clips that a run has not learnt from, nor from others among them of their groups.

    Raises:
        RunError: the run does not say what it has learnt from.
    """
    learnt = (run.read_json("learnt.json") or {}).get("clips")
    if learnt is None:
        raise RunError(
            f"run '{run.path}' does not say what it has learnt from, so its guesses may only repeat what it was told; "
            "train it again, beginning with weights of a known past",
            run.path,
        )
    groups = wanted.clips.filter(pl.col("id").is_in(learnt))["group"].drop_nulls().unique()
    return wanted.where(
        ~pl.col("id").is_in(learnt), pl.col("group").is_null() | ~pl.col("group").is_in(groups.implode())
    )
