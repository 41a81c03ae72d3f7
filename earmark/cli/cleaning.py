"""What ``earmark predict`` and ``earmark clean`` do, once imports no longer matter."""

from __future__ import annotations

from pathlib import Path

from earmark.cli.console import Console
from earmark.stages.clean import clean, gather, read_settings
from earmark.stages.prepare import read_manifest


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
