"""What ``earmark demo`` does: the whole arc, each step by the stage that the other commands use."""

from __future__ import annotations

import shlex
from pathlib import Path

from earmark.cli.console import Console
from earmark.cli.scoring import score_predictions
from earmark.cli.tagging import tag_sounds
from earmark.cli.work import train_runs
from earmark.core.settings import read
from earmark.demo.dataset import DemoSettings, generate
from earmark.runs.folder import RunFolder


def run_demo(folder: Path, size: float, seed: int, data_only: bool, changes: list[str], console: Console) -> int:
    """Generate, train, tag, score, report; each line says the command that does the same by hand."""
    settings = read(DemoSettings, {"size": size, "seed": seed}, what="earmark demo")
    sounds, run, store = folder / "sounds", folder / "run", folder / "store"
    test = RunFolder(run).predictions("test")
    console.say(f"1. sounds: {_command('demo', folder, '--data-only', '--size', f'{size:g}', '--seed', seed)}")
    generate(sounds, settings, progress=lambda done, n: console.count(done, n, "generate"))
    if data_only:
        console.say(f"   generated in '{sounds}'")
        return 0
    told = [word for change in changes for word in ("-s", change)]
    by_hand = _command("train", "demo", "--data", sounds, "--out", run, "--store", store, "--fold", 0, *told)
    console.say(f"\n2. training: {by_hand}")
    code = train_runs("demo", sounds, run, "0", changes, store, console)
    tags = folder / "tags.csv"
    console.say(f"\n3. tags: {_command('tag', run, sounds / 'test', '--out', tags, '--top', 3)}")
    code = code or tag_sounds(run, [sounds / "test"], tags, 3, 0.0, False, None, "auto", console)
    console.say(f"\n4. score: {_command('score', test, '--truth', sounds / 'test.csv')}")
    code = code or score_predictions(test, sounds / "test.csv", None, "reference", False, 2000, False)
    console.say(f"\n5. report: open {RunFolder(run).report}")
    return code


def _command(*words: object) -> str:
    """What to type, fit to be copied."""
    return shlex.join(["earmark", *map(str, words)])
