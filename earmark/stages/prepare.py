"""The first stage: from a data folder to clips that can be read, with folds.

Where the audio was packed before with the same settings, nothing is decoded again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from earmark.core.errors import DataError
from earmark.core.files import write_atomically
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest
from earmark.data.folds.folds import Folds
from earmark.data.folds.given import Given
from earmark.data.folds.stratified import Stratified
from earmark.data.pack_settings import PackSettings
from earmark.data.packing import PackReport, pack
from earmark.data.sources.detection import detect
from earmark.data.sources.source import Source
from earmark.data.store import Store
from earmark.runs.folder import RunFolder
from earmark.stages.show import Show


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the later stages work on."""

    manifest: Manifest
    store: Store
    report: PackReport


def read_manifest(data: Path, source: Source | None) -> Manifest:
    """The clips and labels of a data folder.

    Raises:
        DataError: there is no such folder, or its layout is none that earmark knows.
    """
    manifest = (source or detect(data)).read(data)
    if not len(manifest):
        raise DataError(f"'{data}' holds no clips; name a folder with audio", data)
    return manifest


def folds_for(manifest: Manifest, folds: Folds | None, seed: int) -> Folds:
    """Those that were asked for, else those that the curated clips bring along, else stratified ones."""
    if folds is not None:
        return folds
    given = manifest.where(part="train", origin="curated").clips["fold"].is_not_null().any()
    return Given() if given else Stratified(seed=seed)


def with_folds(manifest: Manifest, folds: Folds | None, seed: int) -> Manifest:
    """The manifest with a fold for every clip of the training part that has labels to stratify by.

    Unless told otherwise the folds are those that the curated clips bring along, and stratified ones where they bring
    none.

    Raises:
        DataError: some curated clips bring a fold and others do not, or the clips cannot be divided so.
    """
    return manifest.folded(folds_for(manifest, folds, seed).split(manifest))


def said(manifest: Manifest) -> dict[str, Any]:
    """What a manifest says, as plain data: two of them say the same exactly if these are equal."""
    return {
        "clips": manifest.clips.drop("seconds").to_dict(as_series=False),
        "labels": manifest.labels.to_dict(as_series=False),
        "classes": manifest.classes,
        "unlisted": dict(manifest.unlisted),
    }


def packed(manifest: Manifest, store: Store) -> dict[str, Any]:
    """What tells the audio of these clips from other audio under the same names."""
    files = manifest.clips.select("file").unique()
    table = store.table.join(files, on="file", how="semi").sort("file")
    return table.select("file", "n_samples", "source_bytes", "peak").to_dict(as_series=False)


def default_store(data: Path, settings: PackSettings) -> Path:
    """Where the packed audio of a data folder lies unless somebody says otherwise: ``stores/`` where one works."""
    return Path("stores") / f"{data.resolve().name}-{fingerprint(str(data.resolve()), settings)[:8]}"


def prepare(
    data: Path,
    settings: PackSettings,
    show: Show,
    *,
    source: Source | None = None,
    store: Path | None = None,
    workers: int | None = None,
    retry: bool = False,
) -> Prepared:
    """Read the manifest and pack every file that it names and the store does not hold yet."""
    manifest = read_manifest(data, source)
    folder = store or default_store(data, settings)
    files = manifest.clips["file"].unique().sort().to_list()
    report = pack(
        files,
        manifest.root,
        folder,
        settings,
        workers=workers,
        progress=lambda done, total: show.count(done, total, "pack"),
        retry=retry,
    )
    held = Store.open(folder)
    seconds = pl.DataFrame({"file": files, "packed_s": [held.seconds(f) if f in held else None for f in files]})
    spans = manifest.clips.join(seconds, on="file", how="left")
    clips = spans.with_columns(seconds=pl.min_horizontal(pl.col("end_s"), pl.col("packed_s")) - pl.col("start_s")).drop(
        "packed_s"
    )
    described = Manifest.of(
        clips, manifest.labels, classes=manifest.classes, unlisted=manifest.unlisted, root=manifest.root
    )
    return Prepared(described, held, report)


def note_quarantine(report: PackReport, run: RunFolder) -> None:
    """Note beside a run what took no part in it."""
    table = pl.DataFrame([row._asdict() for row in report.quarantine], infer_schema_length=None)
    if table.height:
        write_atomically(run.path / "quarantine.csv", table.write_csv)
