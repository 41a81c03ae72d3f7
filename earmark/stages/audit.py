"""The audit: what lies in the data, measured and written down before anything is trained on it.

audit.html          one page with everything
findings.txt        what was found, what matters most first
tables/             the numbers: clips.parquet (a row a clip), duplicates.csv, classes.csv, ...
measurements/       what was measured of each clip, by its content; the same command goes on from it
embeddings/         what networks made of the clips, likewise
audit.lock          held while somebody works here
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.audit.adversary import Verdict, tell_apart
from earmark.audit.atlas import Agreement, chart
from earmark.audit.contrasts import contrasts
from earmark.audit.duplicates import find_duplicates
from earmark.audit.findings import Finding, Found, findings
from earmark.audit.kept import Kept
from earmark.audit.labels import label_tables, labels_of
from earmark.audit.linked import never_split
from earmark.audit.settings import AuditSettings
from earmark.audit.survey import Survey, survey, workers_of
from earmark.audit.suspects import suspects
from earmark.audit.vectors import vectors_of
from earmark.core.errors import DataError, RunError
from earmark.core.files import write_atomically, write_text_atomically
from earmark.data.clips import Clips
from earmark.inference.predict import embed
from earmark.inference.tagger import load_tagger
from earmark.reports.page import render_page
from earmark.stages.audit_page import audit_page
from earmark.stages.prepare import Prepared
from earmark.stages.show import Show


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit left.

    Args:
        found: the values.
        findings: what they mean, leaks first.
        page: the page.
    """

    found: Found
    findings: tuple[Finding, ...]
    page: Path


def audit(
    prepared: Prepared,
    out: Path,
    settings: AuditSettings,
    show: Show,
    *,
    run: Path | None = None,
    notes: tuple[str, ...] = (),
) -> Audit:
    """Measure the clips, compare them, and write what was found.

    Args:
        prepared: the clips, with folds where there are any.
        out: the folder of the audit; what was measured there before is not measured again.
        run: the folder of a run; the embeddings of its network are then used beside the measurements.
        notes: what else the reader should know, in sentences.

    Raises:
        DataError: nothing can be read, or what was kept is damaged.
        RunError: somebody else is at work in the folder, or there is no such run.
    """
    with _alone_in(out):
        manifest, clips = prepared.manifest, Clips.of(prepared.manifest, prepared.store)
        n_workers = workers_of(settings)
        seen = survey(manifest, clips, Kept(out / "measurements"), workers=n_workers, track=show.track)
        vectors = None if run is None else _vectors(run, seen, out / "embeddings", show)
        labels = labels_of(manifest)
        copies = find_duplicates(seen, labels, settings, workers=n_workers, track=show.track)
        single = [named[0] if len(named := labels.get(name, ())) == 1 else None for name in seen.ids]
        together = never_split(seen.table["group"].to_list(), copies.clusters)
        verdicts = tell_apart(seen, together, settings, embeddings=vectors, track=show.track)
        show.say("drawing the map")
        atlas = chart(seen, single, together, settings, embeddings=vectors)
        found = Found(
            labels=label_tables(manifest),
            suspects=suspects(seen, settings),
            duplicates=copies,
            contrasts=contrasts(seen),
            verdicts=verdicts,
            atlas=atlas,
            quarantine=_quarantine(prepared),
        )
        told = (*findings(found, settings), *(Finding("note", note) for note in notes))
        _write_tables(found, seen, single, out / "tables")
        write_text_atomically(out / "findings.txt", "".join(f"{gravity}: {text}\n" for gravity, text in told))
        page = audit_page(manifest, seen, found, told, single, settings)
        write_text_atomically(out / "audit.html", render_page(page))
    return Audit(found, told, out / "audit.html")


def _vectors(run: Path, seen: Survey, folder: Path, show: Show) -> NDArray[np.float32]:
    tagger = load_tagger(run)
    place = run / "tagger.safetensors" if run.is_dir() else run
    name = hashlib.blake2b(place.read_bytes(), digest_size=8).hexdigest()
    return vectors_of(seen, lambda clips: embed(tagger, clips).vectors, folder / name, track=show.track)


def _quarantine(prepared: Prepared) -> pl.DataFrame:
    """The files of the manifest that cannot be used."""
    files = prepared.manifest.clips["file"].unique()
    table = prepared.store.quarantine
    return table.filter(~pl.col("kept") & pl.col("file").is_in(files.implode())).select("file", "reason", "detail")


def _write_tables(found: Found, seen: Survey, single: list[str | None], folder: Path) -> None:
    labels, atlas = found.labels, found.atlas
    n_bands = len(seen.centres_hz)
    arrays = {name: getattr(seen, name) for name in ("spectrum_db", "mean_db", "std_db")}
    clips = seen.table.with_columns(
        pl.Series("file", seen.clips.files, dtype=pl.String),
        pl.Series("cluster", found.duplicates.clusters),
        *(pl.Series(name, values, dtype=pl.Array(pl.Float32, n_bands)) for name, values in arrays.items()),
    )
    write_atomically(folder / "clips.parquet", clips.write_parquet)
    tables = {
        "clips": seen.table.with_columns(pl.Series("file", seen.clips.files, dtype=pl.String)),
        "sets": labels.sets,
        "classes": labels.classes,
        "folds": labels.folds,
        "labels_per_clip": labels.per_clip,
        "together": labels.together,
        "label_sets": labels.label_sets,
        "suspects": found.suspects,
        "duplicates": found.duplicates.pairs,
        "contrasts": found.contrasts,
        "quarantine": found.quarantine,
        "told_apart": _areas(found.verdicts),
        "telling": _telling(found.verdicts),
        "likeness": _likeness(found.verdicts),
        "neighbours": pl.DataFrame(list(atlas.agreements), schema=Agreement._fields, orient="row"),
    }
    if atlas.places is not None:
        tables["map"] = pl.DataFrame(
            {
                "id": [seen.ids[row] for row in atlas.rows],
                "set": seen.table["set"].gather(atlas.rows),
                "label": pl.Series([single[row] for row in atlas.rows], dtype=pl.String),
                "x": atlas.places[:, 0],
                "y": atlas.places[:, 1],
            }
        )
    for name, table in tables.items():
        write_atomically(folder / f"{name}.csv", table.write_csv)


def _areas(verdicts: tuple[Verdict, ...]) -> pl.DataFrame:
    rows = [(v.a, v.b, name, area.value, area.low, area.high) for v in verdicts for name, area in v.auc.items()]
    schema = dict.fromkeys(("a", "b", "features"), pl.String) | dict.fromkeys(("auc", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _telling(verdicts: tuple[Verdict, ...]) -> pl.DataFrame:
    rows = [(v.a, v.b, each.feature, each.delta) for v in verdicts for each in v.telling]
    schema = {"a": pl.String, "b": pl.String, "feature": pl.String, "delta": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _likeness(verdicts: tuple[Verdict, ...]) -> pl.DataFrame:
    schema = {"a": pl.String, "b": pl.String, "id": pl.String, "set": pl.String, "score": pl.Float64}
    parts = [v.scores.select(pl.lit(v.a).alias("a"), pl.lit(v.b).alias("b"), "id", "set", "score") for v in verdicts]
    return pl.concat([pl.DataFrame(schema=schema), *parts])


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Keep other audits out of the folder; the system lets go of the lock when its holder dies.

    Raises:
        DataError: the folder cannot be made.
        RunError: somebody else is at work in it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(out / "audit.lock", timeout=0)
        lock.acquire()
    except filelock.Timeout:
        raise RunError(
            f"another audit is at work in '{out}'; wait until it is done, or name another folder with --out", out
        ) from None
    except OSError as error:
        raise DataError(
            f"'{out}' cannot hold an audit ({error.strerror or error}); name another folder with --out", out
        ) from None
    try:
        yield
    finally:
        lock.release()
