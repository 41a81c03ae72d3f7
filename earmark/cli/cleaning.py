"""What ``earmark predict`` and ``earmark clean`` do, once imports no longer matter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from earmark.cli.console import Console
from earmark.cli.work import prepared
from earmark.stages.clean import clean, gather, read_settings
from earmark.stages.predict import guess_noisy, runs_in
from earmark.stages.prepare import read_manifest
from earmark.stages.recipe import read_recipe
from earmark.training.devices import device_named


def predict_noisy(
    run: Path,
    data: Path | None,
    store: Path | None,
    embed: bool,
    snapshots: bool,
    device: str,
    console: Console,
    changes: Sequence[str] = (),
) -> int:
    """``earmark predict``, without a part."""
    first = runs_in(run)[0]
    facts = first.facts()
    settings = read_recipe(str(first.path / "recipe.yaml"))
    if store is None and "store" in facts:
        store = Path(facts["store"])
    done = prepared(settings, data or Path(facts["data"]), store, console)
    made = guess_noisy(
        run,
        done.manifest,
        done.store,
        console,
        embed=embed,
        snapshots=snapshots,
        changes=changes,
        device=device_named(device),
    )
    console.say(f"{made.n_clips} noisy clips guessed, in '{made.predictions}'")
    if made.n_unheard:
        console.say(f"{made.n_unheard} noisy clips were learnt from by every run, or could not be heard; no guess")
    for place in made.embeddings:
        console.say(f"embeddings: '{place}'")
    return 0


def clean_labels(
    data: Path,
    predictions: list[Path],
    embeddings: list[Path],
    rule: str,
    changes: list[str],
    out: Path,
    vouch: bool,
    console: Console,
) -> int:
    """``earmark clean``."""
    settings = read_settings(rule, changes)
    material = gather(predictions, embeddings)
    manifest = read_manifest(data, None)
    verdicts = clean(settings, manifest, material, out, console, vouched=vouch)
    if verdicts is not None:
        console.say(f"report: '{out / 'report.html'}'; train on the result with --data '{out}'")
    return 0
