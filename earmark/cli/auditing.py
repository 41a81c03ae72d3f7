"""What ``earmark audit`` does, once imports no longer matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from earmark.audit.settings import AuditSettings
from earmark.cli.console import Console
from earmark.cli.work import BAD_FILES, prepared
from earmark.core.errors import DataError, RunError, SettingsError
from earmark.core.settings import read
from earmark.core.yaml_text import override
from earmark.runs.folder import RunFolder
from earmark.stages.audit import audit
from earmark.stages.folds import one_run
from earmark.stages.prepare import with_folds
from earmark.stages.recipe import Recipe, read_recipe

_OURS = "audit."


def audit_data(
    data: Path,
    out: Path,
    recipe: str | None,
    run: Path | None,
    changes: list[str],
    store: Path | None,
    console: Console,
) -> int:
    """``earmark audit``."""
    ours = [change.removeprefix(_OURS) for change in changes if change.startswith(_OURS)]
    settings = read(AuditSettings, override({}, ours), what="the settings of the audit")
    resolved = _recipe(recipe, run, [change for change in changes if not change.startswith(_OURS)])
    if store is None and run is not None:
        store = _store_of(one_run(run), data)
    done = prepared(resolved, data, store, console)
    notes: list[str] = []
    try:
        done = replace(done, manifest=with_folds(done.manifest, resolved.folds, resolved.seed))
    except DataError as error:
        notes.append(f"there are no folds, so no leaks across them were looked for: {error}")
    result = audit(done, out, settings, console, run=run, notes=tuple(notes))
    for gravity, text in result.findings:
        print(f"{gravity + ':':<12}{text}")
    console.say(f"report: '{result.page}', tables: '{out / 'tables'}'")
    return BAD_FILES if done.report.n_quarantined else 0


def _recipe(recipe: str | None, run: Path | None, changes: list[str]) -> Recipe:
    """How the data are read and packed: as the run did, or as a recipe says.

    Raises:
        SettingsError: both are named.
        RunError: there is no such run.
    """
    if run is None:
        return read_recipe(recipe or "small", tuple(changes))
    if recipe is not None:
        raise SettingsError(f"a run hears as its own recipe says, so name --run or --recipe '{recipe}', not both")
    text = one_run(run).path / "recipe.yaml"
    if not text.is_file():
        raise RunError(f"'{run}' is no run, for it holds no recipe.yaml; name the folder of a training", run)
    return read_recipe(str(text), tuple(changes))


def _store_of(run: RunFolder, data: Path) -> Path | None:
    """Where the run has its audio packed, if it is of the same data."""
    facts = run.facts()
    same = "store" in facts and facts.get("data") == str(data.resolve())
    return Path(facts["store"]) if same else None
