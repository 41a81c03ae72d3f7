"""What ``earmark demo`` does: the whole arc, each step by the stage that the other commands use."""

from __future__ import annotations

from pathlib import Path

from earmark.cli.console import Console
from earmark.cli.scoring import score_predictions
from earmark.cli.tagging import tag_sounds
from earmark.cli.work import train_runs
from earmark.demo.dataset import DemoSettings, generate
from earmark.runs.folder import RunFolder


def run_demo(folder: Path, size: float, seed: int, data_only: bool, changes: list[str], console: Console) -> int:
    """Generate, train, tag, score, report; each line says the command that does the same by hand."""
    sounds, run, store = folder / "sounds", folder / "run", folder / "store"
    console.say(f"1. sounds: earmark demo {folder} --data-only --size {size:g} --seed {seed}")
    generate(sounds, DemoSettings(seed=seed, size=size), progress=lambda done, n: console.count(done, n, "generate"))
    if data_only:
        console.say(f"   generated in '{sounds}'")
        return 0
    told = " ".join(f"-s {change}" for change in changes)
    console.say(f"\n2. training: earmark train demo --data {sounds} --out {run} --fold 0 {told}".rstrip())
    code = train_runs("demo", sounds, run, "0", changes, store, console)
    tags = folder / "tags.csv"
    console.say(f"\n3. tags: earmark tag {run} {sounds / 'test'} --out {tags}")
    code = code or tag_sounds(run, [sounds / "test"], tags, 3, 0.0, False, None, "auto", console)
    console.say(f"\n4. score: earmark score {RunFolder(run).predictions('test')} --truth {sounds / 'test.csv'}")
    code = code or score_predictions(
        RunFolder(run).predictions("test"), sounds / "test.csv", None, "reference", False, 2000, False
    )
    console.say(f"\n5. report: open {RunFolder(run).report}")
    return code
