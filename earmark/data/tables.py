"""Tables as files: csv in, manifests and predictions in and out.

Files are replaced in one piece or not at all.

A saved manifest is a folder: ``clips`` and ``labels`` (csv or parquet) and ``manifest.json`` with what the tables
cannot say. Saved predictions are one file, .csv, .parquet or .npz; beside a csv lies ``<name>.csv.json`` with the link
and the provenance, and a csv without it is read all the same. Saved embeddings are one .parquet. An empty cell means
null.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import polars as pl

from earmark.core.embeddings import Embeddings
from earmark.core.errors import DataError
from earmark.core.files import write_atomically, write_text_atomically
from earmark.core.manifest import CLIP_COLUMNS, LABEL_COLUMNS, Manifest
from earmark.core.predictions import ID_COLUMN, Link, Predictions
from earmark.data.cells import missing, numbers, read_csv, read_text

__all__ = [
    "read_csv",
    "read_embeddings",
    "read_manifest",
    "read_predictions",
    "write_embeddings",
    "write_manifest",
    "write_predictions",
]

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"
PREDICTION_SUFFIXES = (".csv", ".parquet", ".npz")
Format = Literal["csv", "parquet"]


def write_manifest(manifest: Manifest, folder: str | Path, format: Format = "csv") -> None:  # noqa: A002
    """Save a manifest in a folder of its own, which is made where it is missing.

    The three files are first written in full and then take their places together, so that a full disk leaves the
    former manifest as it was.
    """
    folder = Path(folder)
    facts = {
        "schema_version": SCHEMA_VERSION,
        "format": format,
        "root": _root_from(folder, manifest.root),
        "unlisted": dict(manifest.unlisted),
        "classes": list(manifest.classes),
    }

    def write(table: pl.DataFrame, path: Path) -> None:
        table.write_csv(path) if format == "csv" else table.write_parquet(path)

    def write_labels(path: Path) -> None:
        write(manifest.labels, path)
        text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
        write_text_atomically(folder / MANIFEST_FILE, text)

    def write_clips(path: Path) -> None:
        write(manifest.clips, path)
        write_atomically(folder / f"labels.{format}", write_labels)

    write_atomically(folder / f"clips.{format}", write_clips)
    for stale in ("csv", "parquet"):
        if stale != format:
            (folder / f"clips.{stale}").unlink(missing_ok=True)
            (folder / f"labels.{stale}").unlink(missing_ok=True)


def read_manifest(folder: str | Path) -> Manifest:
    """Read what `write_manifest` wrote, or what somebody made of it with an editor.

    Raises:
        DataError: the folder or one of its files is missing or damaged, comes from a later version, or does not make
            a manifest.
    """
    folder = Path(folder)
    path = folder / MANIFEST_FILE
    facts = _json(path, "manifest")
    if not isinstance(facts, dict) or not {"format", "root", "classes", "schema_version"} <= facts.keys():
        raise DataError(f"'{path}' does not describe a manifest; write the manifest again", path)
    if facts["schema_version"] != SCHEMA_VERSION:
        raise DataError(
            f"'{path}' has schema version {facts['schema_version']} and this earmark reads version {SCHEMA_VERSION}; "
            "write the manifest again with this one",
            path,
        )
    tables = [_read_table(folder / f"{name}.{facts['format']}") for name in ("clips", "labels")]
    clips, labels = (
        _typed(table, columns, folder) for table, columns in zip(tables, (CLIP_COLUMNS, LABEL_COLUMNS), strict=True)
    )
    try:
        return Manifest.of(
            clips,
            labels,
            classes=facts["classes"],
            unlisted=facts.get("unlisted"),
            root=os.path.normpath(folder / facts["root"]),
        )
    except DataError as error:
        raise DataError(f"the manifest in '{folder}' is at fault: {error}", folder) from None


def write_predictions(predictions: Predictions, path: str | Path) -> None:
    """Save predictions in full precision as the suffix says: .csv, .parquet or .npz.

    Raises:
        DataError: another suffix.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".parquet":
        write_atomically(path, lambda to: predictions.to_table().write_parquet(to, metadata=predictions.facts))
    elif suffix == ".npz":
        write_atomically(path, lambda to: _write_npz(predictions, to))
    else:
        facts = {
            "link": predictions.link,
            "dtype": str(predictions.scores.dtype),
            "provenance": json.loads(predictions.facts["provenance"]),
        }
        # In float64 the text says the very value of a float32, also to readers that know of no float32.
        table = predictions.to_table().with_columns(pl.col(pl.Float32).cast(pl.Float64))

        def write(to: Path) -> None:
            table.write_csv(to)
            write_text_atomically(_beside(path), json.dumps(facts, indent=1) + "\n")

        write_atomically(path, write)


def read_predictions(path: str | Path, *, link: Link = "logit") -> Predictions:
    """Read what `write_predictions` wrote, or any csv or parquet with a column of names and one a class.

    Args:
        path: the file.
        link: what the scores are, where the file does not say.

    Raises:
        DataError: the file is missing or damaged, or does not make predictions.
    """
    path = Path(path)
    try:
        if _suffix(path) == ".npz":
            return _read_npz(path)
        table = _read_table(path)
        if _suffix(path) == ".parquet":
            return Predictions.from_table(table, pl.read_parquet_metadata(path), link=link)
        dtype, facts = _facts_beside(path)
        names = next((name for name in (ID_COLUMN, "id", "clip") if name in table.columns), None)
        scores = [numbers(table, name, path).cast(dtype) for name in table.columns if names and name != names]
        return Predictions.from_table(table.with_columns(scores), facts, link=link)
    except DataError as error:
        raise error if error.path else DataError(f"'{path}' holds no predictions: {error}", path) from None


def write_embeddings(embeddings: Embeddings, path: str | Path) -> None:
    """Save embeddings as one .parquet, to the last bit.

    Raises:
        DataError: another suffix.
    """
    path = _parquet(Path(path))
    write_atomically(path, lambda to: embeddings.to_table().write_parquet(to, metadata=embeddings.facts))


def read_embeddings(path: str | Path) -> Embeddings:
    """Read what `write_embeddings` wrote, or any .parquet with columns ``fname`` and ``vector``.

    Raises:
        DataError: the file is missing or damaged, or does not make embeddings.
    """
    path = _parquet(Path(path))
    try:
        return Embeddings.from_table(_read_table(path), pl.read_parquet_metadata(path))
    except DataError as error:
        raise error if error.path else DataError(f"'{path}' holds no embeddings: {error}", path) from None


def _parquet(path: Path) -> Path:
    if path.suffix != ".parquet":
        raise DataError(f"embeddings lie in files that end in .parquet, got '{path}'", path)
    return path


def _read_table(path: Path) -> pl.DataFrame:
    if path.suffix == ".csv":
        return read_csv(path, may_be_empty=True)
    if not path.is_file():
        raise missing(path, "table")
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"'{path}' is damaged or no parquet file: {str(error).splitlines()[0]}", path) from None


def _typed(table: pl.DataFrame, columns: dict[str, Any], path: Path) -> pl.DataFrame:
    """Strings from a csv as the types that the columns of a manifest have; an unknown column is left to complain."""
    texts = [name for name in table.columns if table.schema[name] == pl.String and name in columns]
    return table.with_columns(
        table[name].replace("", None) if columns[name] == pl.String else numbers(table, name, path, columns[name])
        for name in texts
    )


def _json(path: Path, what: str) -> Any:
    try:
        return json.loads(read_text(path, what))
    except json.JSONDecodeError as error:
        raise DataError(
            f"'{path}' is not JSON from line {error.lineno} on: {error.msg}; write it again", path
        ) from None


def _root_from(folder: Path, root: Path) -> str:
    """The way from the manifest's folder to the data, so that both can move; absolute if they share nothing."""
    here, there = folder.resolve(), root.resolve()
    try:
        shared = os.path.commonpath([here, there])
    except ValueError:  # another drive
        return str(there)
    return str(there) if shared == here.anchor else Path(os.path.relpath(there, here)).as_posix()


def _suffix(path: Path) -> str:
    if path.suffix not in PREDICTION_SUFFIXES:
        raise DataError(f"predictions lie in files that end in .csv, .parquet or .npz, got '{path}'", path)
    return path.suffix


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _facts_beside(path: Path) -> tuple[Any, dict[str, str]]:
    """The type of the scores in a csv and the facts about them, as far as a file beside it knows them."""
    beside = _beside(path)
    if not beside.exists():
        return pl.Float64, {}
    facts = _json(beside, "description of predictions")
    if not isinstance(facts, dict):
        raise DataError(f"{beside} must map names to values; write the predictions again or remove it", beside)
    told = {"link": facts["link"]} if "link" in facts else {}
    provenance = json.dumps(facts.get("provenance") or {})
    return pl.Float32 if facts.get("dtype") == "float32" else pl.Float64, told | {"provenance": provenance}


def _write_npz(predictions: Predictions, path: Path) -> None:
    arrays: dict[str, Any] = {
        "ids": np.array(predictions.ids, dtype=np.str_),
        "classes": np.array(predictions.classes, dtype=np.str_),
        "scores": predictions.scores,
        "facts": np.array(json.dumps(predictions.facts)),
    }
    if predictions.folds is not None:
        arrays["folds"] = predictions.folds
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _read_npz(path: Path) -> Predictions:
    if not path.is_file():
        raise missing(path, "file of predictions")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            facts = json.loads(str(arrays["facts"])) if "facts" in arrays else {}
            return Predictions(
                ids=tuple(str(name) for name in arrays["ids"]),
                classes=tuple(str(name) for name in arrays["classes"]),
                scores=arrays["scores"],
                link=facts.get("link", "logit"),
                folds=arrays.get("folds"),
                provenance=json.loads(facts.get("provenance", "{}")),
            )
    except (ValueError, TypeError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise DataError(f"'{path}' is damaged or no file of predictions: {error}", path) from None
