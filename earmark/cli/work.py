"""What the commands that work on a data folder do, once imports no longer matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from earmark.cli.console import Console
from earmark.core.errors import RunError
from earmark.core.manifest import Manifest
from earmark.data.packing import PackReport
from earmark.data.store import Store
from earmark.reports.report import ScoreRow
from earmark.reports.tables import scores_as_text
from earmark.runs.folder import RunFolder
from earmark.stages.finished_runs import must_be_its_data
from earmark.stages.fold_choice import fold_choice
from earmark.stages.folds import one_run
from earmark.stages.folds import train_runs as train_each
from earmark.stages.prepare import Prepared, note_quarantine, prepare, read_manifest, with_folds
from earmark.stages.recipe import Recipe, read_recipe
from earmark.stages.report import write_report
from earmark.stages.score import score_run
from earmark.training.devices import fabric_for

BAD_FILES = 6
"""Exit code of work that was done, but for some files that could not be used."""


def pack_data(
    data: Path, recipe: str, changes: list[str], store: Path | None, workers: int | None, retry: bool, console: Console
) -> int:
    """``earmark pack``."""
    settings = read_recipe(recipe, tuple(changes))
    done = prepare(data, settings.pack, console, source=settings.source, store=store, workers=workers, retry=retry)
    report = done.report
    console.say(
        f"{report.n_packed} clips packed, {report.n_changed} packed again, {report.n_kept_from_before} there already: "
        f"{report.audio_s / 3600:.2f} h in {report.seconds:.0f} s, in '{done.store.folder}'"
    )
    _tell_quarantine(report, console)
    return BAD_FILES if report.n_quarantined else 0


def train_runs(
    recipe: str, data: Path, out: Path | None, fold: str, changes: list[str], store: Path | None, console: Console
) -> int:
    """``earmark train``."""
    settings, fold = read_recipe(recipe, tuple(changes)), fold_choice(fold)
    fabric = fabric_for(settings.training)
    console.quiet = console.quiet or not fabric.is_global_zero
    with fabric.rank_zero_first():  # one process packs, the others find it packed
        done = prepared(settings, data, store, console)
    out = out or Path("runs") / Path(recipe).stem
    manifest = done.manifest if fold == "none" else with_folds(done.manifest, settings.folds, settings.seed)
    runs = train_each(settings, manifest, done.store, out, fold, console, fabric)
    if not fabric.is_global_zero:
        return 0
    lines: list[str] = []
    for run in runs:
        run.note({"data": str(data.resolve()), "store": str(done.store.folder.resolve())})
        note_quarantine(done.report, run)
        lines = _scored_and_reported(run, manifest, done.store)
    if RunFolder(out) not in runs:
        lines = _as_lines(*score_run(RunFolder(out), manifest))
    for line in lines:
        console.say(line)
    reports = ", ".join(f"'{run.report}'" for run in runs)
    console.say(f"report: {reports}")
    return BAD_FILES if done.report.n_quarantined else 0


def _scored_and_reported(run: RunFolder, manifest: Manifest, store: Store) -> list[str]:
    """Score a run and write its page; the scores as lines."""
    found, lines = score_run(run, manifest)
    write_report(run, manifest, store, found)
    return _as_lines(found, lines)


def _as_lines(found: list[ScoreRow], lines: list[str]) -> list[str]:
    return (scores_as_text(found).splitlines() if found else []) + lines


def prepared(recipe: Recipe, data: Path, store: Path | None, console: Console) -> Prepared:
    """The clips of a data folder, packed; what could not be packed is told."""
    done = prepare(data.resolve(), recipe.pack, console, source=recipe.source, store=store)
    new = done.report.n_packed + done.report.n_changed
    console.say(
        f"{len(done.manifest)} clips of {len(done.manifest.classes)} classes in '{data}'; "
        + (f"{new} packed in {done.report.seconds:.0f} s" if new else "all packed before")
    )
    _tell_quarantine(done.report, console)
    return done


def prepared_for(run: RunFolder, data: Path | None, store: Path | None, console: Console) -> tuple[Recipe, Prepared]:
    """What a run worked on: its recipe, and its clips and audio, with folds where it holds one out.

    Args:
        data, store: where they are now, if not where they were; wherever this is called from, nothing is packed again.

    Raises:
        DataError: these are other data than the run's.
    """
    facts, recipe = run.facts(), read_recipe(str(run.path / "recipe.yaml"))
    if store is None and "store" in facts:
        store = Path(facts["store"])
    place = data or Path(facts["data"])
    must_be_its_data(run, read_manifest(place.resolve(), recipe.source))
    done = prepared(recipe, place, store, console)
    if facts.get("fold") is not None:
        done = replace(done, manifest=with_folds(done.manifest, recipe.folds, recipe.seed))
    return recipe, done


def report_run(run: Path, data: Path | None, store: Path | None, console: Console) -> int:
    """``earmark report``."""
    folder = one_run(run)
    if not folder.facts().get("finished"):
        raise RunError(f"'{run}' is no finished run; train it with earmark train first", run)
    _, done = prepared_for(folder, data, store, console)
    for line in _scored_and_reported(folder, done.manifest, done.store):
        console.say(line)
    console.say(f"report: '{folder.report}'")
    return 0


def _tell_quarantine(report: PackReport, console: Console) -> None:
    if report.n_quarantined:
        console.say(f"{report.n_quarantined} files are in quarantine and take no part:")
    for row in [row for row in report.quarantine if not row.kept][:10]:
        console.say(f"  {row.file}: {row.reason}: {row.detail}")
