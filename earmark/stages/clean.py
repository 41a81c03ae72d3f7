"""Cleaning, from a manifest and guesses to verdicts, a new manifest and a page about them.

The folder that comes of it is a data folder: ``earmark train --data FOLDER`` learns from the new manifest. It also
holds ``verdicts.parquet``, ``doubtful.csv`` (the labels that are most likely at fault), ``report.html`` and, where
every fold's model is to have clips of its own, a manifest for each in ``fold-N``.

In a loop of choosing and training each round judges the labels as they were given, by better and better guesses: so it
is the first data folder that is cleaned again, not the one that the round before has left.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from earmark.cleaning.calibration import CalibrationSettings, calibrated, calibrations
from earmark.cleaning.case import Case, Guesses
from earmark.cleaning.opinion import Opinion
from earmark.cleaning.rules.combined import Combined
from earmark.cleaning.rules.rule import Rule
from earmark.cleaning.verdicts import Emptied, Verdicts, of_fold, revise, tabulate
from earmark.core.embeddings import Embeddings
from earmark.core.errors import DataError
from earmark.core.files import write_atomically, write_text_atomically
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.core.settings import Incidental, Settings, read
from earmark.core.yaml_text import override, parted
from earmark.data.tables import read_embeddings, read_predictions, write_manifest
from earmark.reports.verdicts import VerdictReport, render_verdicts
from earmark.reports.wording import share
from earmark.runs.folder import RunFolder
from earmark.stages.finished_runs import runs_in
from earmark.stages.predict import NOISY, members_of
from earmark.stages.prepare import said, with_folds
from earmark.stages.recipe import read_recipe
from earmark.stages.show import Show

_ON_PAGE = 100
_VOUCHED = "somebody vouches for it that the models did not learn from these clips; not all of them say so themselves"


class CleanSettings(Settings):
    """How labels are judged, and what becomes of them."""

    rule: Rule = Combined()
    """Who judges."""
    calibration: CalibrationSettings = CalibrationSettings()
    """How the guesses are made into honest chances, where the rule has none of its own."""
    emptied: Emptied = "unlabelled"
    """The origin of clips that keep no label: unlabelled, or noisy as examples of none of the classes."""
    n_doubtful: Annotated[int, Incidental(), Field(ge=0)] = 500
    """Rows of the table of the most doubtful labels."""


@dataclass(frozen=True, eq=False)
class Material:
    """What there is to judge by, with the files that it came from."""

    guesses: tuple[Guesses, ...]
    embeddings: tuple[Embeddings, ...]
    files: tuple[Path, ...]
    runs: tuple[RunFolder, ...]
    """The runs that made the guesses, where these came as folders."""


def read_settings(kind: str, changes: Sequence[str] = ()) -> CleanSettings:
    """Settings with a rule of this kind; changes are of the rule unless they name something else of cleaning.

    Raises:
        SettingsError: everything that is wrong with them.
    """
    own, of_rule = parted(changes, CleanSettings.model_fields)
    paths = [*own, *(f"rule.{change}" for change in of_rule)]
    what = f"rule '{kind}'" + (" with its changes" if changes else "")
    start = read(CleanSettings, {"rule": {"kind": kind}}, what=what)
    return read(CleanSettings, override(start.model_dump(mode="json"), paths), what=what) if changes else start


def gather(predictions: Sequence[Path], embeddings: Sequence[Path]) -> Material:
    """Read guesses and vectors: tables, or folders of runs that earmark predict has gone over.

    Raises:
        DataError, RunError: there is nothing of the kind in one of them.
    """
    guesses, files, runs = [], [], []
    for path in predictions:
        parts, members = [path], []
        if path.is_dir():
            own = runs_in(path)
            parts = [RunFolder(path).predictions(NOISY), *(run.predictions("held_out") for run in own)]
            if not parts[0].is_file():
                raise DataError(f"'{path}' holds no guesses about noisy clips; make them with earmark predict", path)
            parts, members = [part for part in parts if part.is_file()], members_of(path)
            runs += own
        files += [*parts, *members]
        read_parts = tuple(map(read_predictions, parts))
        guesses.append(Guesses(read_parts, tuple(map(read_predictions, members)), str(path)))
    spaces = [place for path in embeddings for place in _spaces_in(path)]
    return Material(tuple(guesses), tuple(map(read_embeddings, spaces)), (*files, *spaces), tuple(runs))


def case_of(manifest: Manifest, material: Material, *, vouched: bool = False) -> Case:
    """What a rule is shown of a manifest and of what there is to judge by.

    Raises:
        DataError: manifest and material do not fit together.
    """
    excused = _excused(material.guesses)
    return Case.of(_folded(manifest, material), material.guesses, material.embeddings, excused=excused, vouched=vouched)


def clean(
    settings: CleanSettings, manifest: Manifest, material: Material, out: Path, show: Show, *, vouched: bool = False
) -> Verdicts | None:
    """Judge the noisy labels of a manifest and write what comes of it; none where that was done before.

    Args:
        out: a folder of its own; it belongs to these settings and this material.
        vouched: whether guesses that do not say that they are out of fold are believed to be.

    Raises:
        RunError: the folder belongs to something else.
        SettingsError, DataError: the rule lacks what it needs, or manifest and guesses do not fit together.
    """
    manifest = _folded(manifest, material)
    name = fingerprint(settings, said(manifest), [_content(path) for path in material.files], vouched)
    folder = RunFolder(out)
    held = folder.facts()
    if held.get("fingerprint") == name and held.get("finished"):
        show.say(f"'{out}' is cleaned already")
        return None
    excused = _excused(material.guesses)
    case = case_of(manifest, material, vouched=vouched)
    settings.rule.check(case)  # before anything is written
    with folder.alone():
        facts = {"data": str(manifest.root), "rule": settings.rule.kind, "vouched": vouched}
        folder.claim(name, settings.model_dump(mode="json"), facts)
        steps = iter(show.track(range(3), 3, f"clean by {settings.rule.kind}"))
        next(steps)
        opinion = settings.rule(case)
        next(steps)
        p = calibrated(case, settings.calibration) if opinion.p is None else opinion.p
        by = f"clean {settings.rule.kind}" + ", vouched" * vouched
        verdicts = tabulate(case, opinion, p, by=by)
        revised = revise(manifest, verdicts, settings.emptied)
        lines = _lines(case, settings, excused, revised, opinion) + [_VOUCHED] * vouched
        next(steps)
        _write(folder, settings, case, verdicts, revised, lines)
        next(steps, None)
        folder.note({"finished": True, "verdicts": verdicts.counts})
    for line in (*lines, ", ".join(f"{n} {word.replace('_', ' ')}" for word, n in verdicts.counts.items())):
        show.say(line)
    return verdicts


def _write(
    folder: RunFolder, settings: CleanSettings, case: Case, verdicts: Verdicts, revised: Manifest, lines: list[str]
) -> None:
    """Everything that is left; the manifest last, so that a folder with one is whole."""
    write_atomically(folder.path / "verdicts.parquet", verdicts.table.write_parquet)
    doubtful = verdicts.doubtful(settings.n_doubtful)
    write_atomically(folder.path / "doubtful.csv", doubtful.write_csv)
    by_class = verdicts.by_class()
    report = VerdictReport(
        title=f"Labels cleaned by {settings.rule.kind}",
        lines=lines,
        counts=verdicts.counts,
        classes=case.classes,
        by_class={word: by_class[word].to_numpy() for word in verdicts.counts},
        doubtful=[
            (clip, label, given, verdict, "" if p is None else f"{p:.3f}", evidence)
            for clip, label, given, verdict, p, _, evidence in doubtful.head(_ON_PAGE).iter_rows()
        ],
    )
    write_text_atomically(folder.report, render_verdicts(report))
    for fold in sorted(set((verdicts.slices or {}).values()) - {-1}):
        write_manifest(of_fold(revised, verdicts, fold), folder.path / f"fold-{fold}")
    write_manifest(revised, folder.path)


def _lines(case: Case, settings: CleanSettings, excused: set[str], revised: Manifest, opinion: Opinion) -> list[str]:
    """What was judged by what, in sentences."""
    n_labels, judged = int(case.labels.sum()), revised.clips.filter(pl.col("id").is_in(list(case.ids)))
    left = int((judged["origin"] == "noisy").sum())
    lines = [f"{n_labels} labels of {len(case)} noisy clips were judged; {left} clips keep a label or stay as examples"]
    if excused:
        lines.append(f"{len(excused)} clips are in quarantine and were not judged")
    if opinion.p is not None and n_labels:
        n_wrong = round(float((1 - opinion.p[case.labels]).sum()))
        lines.append(f"about {n_wrong} of the labels ({share(n_wrong, n_labels)}) are believed to be wrong")
    return lines + _calibrated_on(case, settings.calibration)


def _calibrated_on(case: Case, settings: CalibrationSettings) -> list[str]:
    """What the chances rest on, and what to do where that is too little; nothing where nobody guessed."""
    if not case.guesses:
        return []
    unheard = np.isnan([guess.trusted_p for guess in case.guesses]).any(axis=2)
    n = int((~unheard.all(axis=0)).sum())
    if all(each.is_learnt for each in calibrations(case, settings)):
        return [f"chances are calibrated on {n} trusted clips that the models did not learn from"]
    as_they_are = "chances are as the models gave them: "
    if n:
        return [
            f"{as_they_are}the labels of {n} trusted clips that they did not learn from say too little to calibrate on"
        ]
    return [
        f"{as_they_are}the predictions hold no trusted clip that the models did not learn from; to calibrate, give the "
        "folder of a training that held out a fold (earmark train --fold each)"
    ]


def _excused(guesses: Sequence[Guesses]) -> set[str]:
    """The clips that the makers of the guesses could not hear, for their files are bad."""
    said = [set(map(str, part.provenance.get("without") or ())) for each in guesses for part in each.parts]
    return set().union(*said)


def _folded(manifest: Manifest, material: Material) -> Manifest:
    """The manifest with the folds of the runs that made the guesses, so that later trainings hold out the same clips.

    Raises:
        DataError: a run held out clips of other folds than the manifest has.
    """
    held = [part for each in material.guesses for part in each.parts if part.folds is not None]
    if material.runs and material.runs[0].facts().get("fold") is not None:
        recipe = read_recipe(str(material.runs[0].path / "recipe.yaml"))
        curated = manifest.where(part="train", origin="curated")
        if recipe.folds is not None or curated.clips["fold"].null_count():
            manifest = with_folds(manifest, recipe.folds, recipe.seed)
    for part in held:
        _must_hold_the_same(manifest, part)
    return manifest


def _must_hold_the_same(manifest: Manifest, part: Predictions) -> None:
    folds = dict(manifest.clips.drop_nulls("fold").select("id", "fold").iter_rows())
    assert part.folds is not None
    for clip, fold in zip(part.ids, part.folds.tolist(), strict=True):
        if fold >= 0 and folds.get(clip, fold) != fold:
            raise DataError(
                f"clip '{clip}' is in fold {folds[clip]} of the manifest, but was held out as fold {fold}"
                "; use predictions of runs that were trained on these folds"
            )


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _spaces_in(path: Path) -> list[Path]:
    """The table of vectors, or those in the folder of a run or of one run a fold."""
    if not path.is_dir():
        return [path]
    found = sorted([*path.glob("embeddings.parquet"), *path.glob("fold-*/embeddings.parquet")])
    if not found:
        raise DataError(f"'{path}' holds no embeddings; make them with earmark predict --embed", path)
    return found
