"""What ``earmark blend``, ``earmark submit`` and ``earmark soup`` do, once imports no longer matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast, get_args

from earmark.cli.console import Console
from earmark.cli.work import prepared_for
from earmark.core.errors import DataError, RunError, SettingsError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Link
from earmark.core.settings import nearest
from earmark.data.tables import read_predictions
from earmark.ensemble.blends.blend import Blend
from earmark.reports.wording import plural
from earmark.runs.folder import RunFolder
from earmark.stages.blend import blend, gather, read_settings, summary
from earmark.stages.blend_members import Found, find
from earmark.stages.divide import Parts, divide
from earmark.stages.score import read_truth
from earmark.stages.soup import How, Ingredients, make_soup
from earmark.stages.soup import gather as gather_taggers
from earmark.stages.submit import submission, write_submission
from earmark.training.devices import device_named


def blend_predictions(
    sources: list[str],
    test: list[str],
    how: str,
    changes: list[str],
    truth: Path | None,
    out: Path,
    link: str | None,
    given: str | None,
    snapshots: bool,
    way: str,
    vouch: bool,
    resamples: int,
    console: Console,
) -> int:
    """``earmark blend``."""
    if how not in Blend.members() and ":" not in how:
        raise SettingsError(f"there is no blend '{how}'; {nearest(how, Blend.members())}")
    link = _link(link, "--link")
    settings = read_settings(how, [*changes, *([f"link={link}"] if link else [])])
    found = find(sources, test, snapshots=snapshots, way=way)
    manifest = None if truth is None else _truth(truth, found)
    material = gather(settings, found, given=_link(given, "--given"), truth=manifest, vouched=vouch)
    console.say(f"{plural(len(found), 'member')}: {', '.join(sorted(found))}")
    blend(settings, material, manifest, out, console, n_resamples=resamples)
    print(summary(out).read_text(encoding="utf-8"), end="")
    console.say(f"predictions, weights and the picture of correlations: '{out}'")
    return 0


def submit_predictions(predictions: Path, sample: Path, out: Path, link: str | None) -> int:
    """``earmark submit``."""
    table = predictions
    if predictions.is_dir():
        table = RunFolder(predictions).predictions("test")
        if not table.is_file():
            raise DataError(f"'{predictions}' holds no scores of a test part; name a table of them", predictions)
    made = submission(read_predictions(table), sample, link=_link(link, "--link"))
    write_submission(made, out)
    print(f"{made.height} clips x {made.width - 1} classes: '{out}'")
    return 0


def _truth(truth: Path, found: dict[str, Found]) -> Manifest:
    first = found[min(found)].files[0]
    return read_truth(truth, read_predictions(first).classes)


def _link(name: str | None, option: str) -> Any:
    if name is not None and name not in get_args(Link):
        raise SettingsError(f"{option} must be a link of scores, got '{name}'; {nearest(name, get_args(Link))}")
    return name


def soup_taggers(
    sources: list[Path],
    out: Path,
    how: str,
    snapshots: bool,
    data: Path | None,
    store: Path | None,
    refresh: int,
    device: str,
    console: Console,
) -> int:
    """``earmark soup``."""
    if how not in get_args(How):
        raise SettingsError(f"--how must be uniform or greedy, got '{how}'")
    ingredients = gather_taggers(sources, snapshots=snapshots)
    parts = _parts(ingredients, data, store, console) if refresh or how == "greedy" else None
    chosen = device_named(device)
    make_soup(ingredients, cast("How", how), parts, out, console, refresh_clips=refresh, device=chosen)
    console.say(f"tagger: '{out / 'tagger.safetensors'}'; use it like a run: earmark tag '{out}'")
    return 0


def _parts(ingredients: Ingredients, data: Path | None, store: Path | None, console: Console) -> Parts:
    """The clips of the first run, divided as it divided them."""
    run = ingredients.runs[0]
    if not run.facts():
        raise RunError(f"'{run.path}' is no run, so its data are not known; give --refresh 0 to do without", run.path)
    recipe, done = prepared_for(run, data, store, console)
    origins = sorted({origin for stream in recipe.streams.values() for origin in stream.origins})
    return divide(done.manifest, done.store, ingredients.fold, origins)
