"""Several processes train one net: they agree on every weight, and none waits for a gradient that never comes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "sam"])
def test_two_processes_agree_though_a_part_begins_without_weight(optimizer: str) -> None:
    command = [sys.executable, "-m", "tests.training.side_by_side", optimizer]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    one, other = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    assert one == other
    assert one["losses"][-1]["labels"] < one["losses"][0]["labels"]
