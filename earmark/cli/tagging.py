"""What ``earmark tag`` does: find the files, have them heard, write what was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.special import expit

from earmark.cli.console import Console
from earmark.cli.work import BAD_FILES
from earmark.core.errors import DataError, SettingsError
from earmark.core.files import write_atomically, write_text_atomically
from earmark.core.predictions import Predictions
from earmark.data.sources.listing import audio_files
from earmark.data.tables import write_predictions
from earmark.inference.tagger import load_tagger
from earmark.reports.tables import text_table
from earmark.stages.folds import one_run
from earmark.stages.tag import Tagged, tag
from earmark.stages.use import used
from earmark.training.devices import device_named

_FORMATS = (".csv", ".jsonl", ".parquet")


def tag_sounds(
    run: Path,
    sounds: list[Path],
    out: Path | None,
    top: int,
    threshold: float,
    scores: bool,
    every_s: float | None,
    device: str,
    console: Console,
    changes: Sequence[str] = (),
) -> int:
    """Tag files and folders; exit code 6 says that some files could not be heard."""
    if out is not None and out.suffix not in _FORMATS:
        raise SettingsError(f"--out must end in {', '.join(_FORMATS)}, got '{out.name}'")
    if scores and out is not None and out.suffix == ".jsonl":
        raise SettingsError("--scores writes a table; let --out end in .csv or .parquet")
    if run.is_dir():
        one_run(run)
    files = _files(sounds)
    tagger = used(load_tagger(run, device_named(device)), changes)
    journal = out.with_name(out.name + ".journal") if out else None
    done = tag(tagger, files, console, every_s=every_s, journal=journal)
    if done.n_from_before:
        console.say(f"{done.n_from_before} of {len(files)} files were heard before")
    if scores:
        _write_scores(done, tagger.classes, run, out)
    else:
        _write_tags(_tags(done, tagger.classes, top, threshold), out, spans=every_s is not None)
    if out is not None:
        _write_bad(done, out)
        console.say(f"{len({h.file for h in done.heard})} files tagged: '{out}'")
    if journal is not None:
        journal.unlink(missing_ok=True)
    if done.bad:
        console.say(f"{len(done.bad)} of {len(files)} files could not be heard:")
        for bad in done.bad[:10]:
            console.say(f"  {bad.file}: {bad.reason}: {bad.detail}")
    return BAD_FILES if done.bad else 0


def _files(sounds: list[Path]) -> list[tuple[str, Path]]:
    """Every file with the name it shall have: as given, and below a folder relative to that folder.

    Raises:
        DataError: a path that is not there, a folder without audio, or two files that would have one name.
    """
    found: dict[str, Path] = {}
    for path in sounds:
        if path.is_dir():
            inside = audio_files(path)
            if not inside:
                raise DataError(f"'{path}' holds no audio files; name a folder with sounds in it", path)
            pairs = [(name, path / name) for name in inside]
        elif path.is_file():
            pairs = [(str(path), path)]
        else:
            raise DataError(f"there is no file or folder '{path}'; check its spelling", path)
        for name, place in pairs:
            if name in found and found[name] != place:
                raise DataError(f"'{place}' and '{found[name]}' would both be called '{name}'; tag them apart", place)
            found[name] = place
    return list(found.items())


def _tags(done: Tagged, classes: tuple[str, ...], top: int, threshold: float) -> list[dict[str, Any]]:
    rows = []
    for heard in done.heard:
        probabilities = expit(heard.logits.astype(np.float64))
        order = np.argsort(-heard.logits, kind="stable")[:top]
        tags = [(classes[i], float(probabilities[i])) for i in order if probabilities[i] >= threshold]
        rows.append({"fname": heard.file, "start_s": heard.start_s, "end_s": heard.end_s, "tags": tags})
    return rows


def _write_tags(rows: list[dict[str, Any]], out: Path | None, *, spans: bool) -> None:
    place = ("fname", "start_s", "end_s") if spans else ("fname",)
    if out is None:
        if rows:
            print(_as_text(rows, spans=spans), flush=True)
    elif out.suffix == ".jsonl":
        lines = [
            {**{k: row[k] for k in place}, "tags": [{"label": n, "probability": p} for n, p in row["tags"]]}
            for row in rows
        ]
        write_text_atomically(out, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    else:
        schema = {"fname": pl.String, "start_s": pl.Float64, "end_s": pl.Float64}
        flat = [
            {**{k: row[k] for k in place}, "rank": rank, "label": label, "probability": probability}
            for row in rows
            for rank, label, probability in _ranked(row["tags"])
        ]
        kinds = {k: schema[k] for k in place} | {"rank": pl.Int64, "label": pl.String, "probability": pl.Float64}
        table = pl.DataFrame(flat, schema=kinds)
        write_atomically(out, table.write_csv if out.suffix == ".csv" else table.write_parquet)


def _ranked(tags: list[tuple[str, float]]) -> list[tuple[int | None, str, float | None]]:
    """The tags with their ranks; a clip without tags keeps a row, so that it is seen to have been heard."""
    return [(rank, *tag) for rank, tag in enumerate(tags, start=1)] or [(None, "", None)]


def _as_text(rows: list[dict[str, Any]], *, spans: bool) -> str:
    cells: list[list[str | float | None]] = []
    for row in rows:
        where = [f"{row['start_s']:.1f} to {row['end_s']:.1f}"] if spans else []
        tags = ", ".join(f"{label} {probability:.2f}" for label, probability in row["tags"])
        cells.append([row["fname"], *where, tags or None])
    return text_table(["file", *(["seconds"] if spans else []), "tags"], cells)


def _write_scores(done: Tagged, classes: tuple[str, ...], run: Path, out: Path | None) -> None:
    """The full table: one row a clip (or a stretch of one), one column a class, logits in full precision."""
    spans = len({heard.file for heard in done.heard}) < len(done.heard)
    names = [f"{h.file}#{h.start_s:g}-{h.end_s:g}" if spans else h.file for h in done.heard]
    scores = np.stack([heard.logits for heard in done.heard]) if done.heard else np.zeros((0, len(classes)), np.float32)
    predictions = Predictions(tuple(names), classes, scores, "logit", provenance={"run": str(run)})
    if out is None:
        print(predictions.on("probability").to_table().write_csv(), end="")
    else:
        write_predictions(predictions, out)


def _write_bad(done: Tagged, out: Path) -> None:
    place = out.with_name(out.stem + ".quarantine.csv")
    if done.bad:
        table = pl.DataFrame(
            [(b.file, b.reason, b.detail) for b in done.bad], schema=["fname", "reason", "detail"], orient="row"
        )
        write_atomically(place, table.write_csv)
    else:
        place.unlink(missing_ok=True)
