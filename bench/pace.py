"""How many epochs an arm gets where the budget of a study is time.

The pace is measured once, by a training of three epochs that is thrown away, and kept beside the arm's runs: what a fit
learns then depends on the pace that stands there and no longer on what else the machine does meanwhile. Only
training counts, not starting and predicting. Measure on an idle machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.studies import Arm
from earmark.runs.folder import RunFolder

_TRIED_EPOCHS = 3


def epochs_within(budget_s: float, arm: Arm, data: Path, out: Path) -> int:
    """The whole epochs that fit into the budget, at least one."""
    folder = RunFolder(out / arm.folder)
    if not folder.read_json("pace.json"):
        folder.write_json("pace.json", {"s_an_epoch": _measured(arm, data, out.parent / "store")})
    return max(1, int(budget_s / folder.read_json("pace.json")["s_an_epoch"]))


def _measured(arm: Arm, data: Path, store: Path) -> float:
    """Seconds of the fastest epoch of a short training."""
    with tempfile.TemporaryDirectory() as scratch:
        changes = [part for change in (*arm.changes, f"training.epochs={_TRIED_EPOCHS}") for part in ("-s", change)]
        command = [sys.executable, "-m", "earmark", "train", arm.recipe, "--data", str(data), "--fold", "1", *changes]
        run = RunFolder(Path(scratch) / "run")
        if subprocess.run([*command, "--out", str(run.path), "--store", str(store), "--quiet"], check=False).returncode:
            sys.exit(f"{arm.name}: earmark train failed; its sentence stands above")
        pace = min(row["seconds"] for row in run.log())
    print(f"{arm.name}: {pace:.1f} s an epoch", file=sys.stderr)
    return pace
