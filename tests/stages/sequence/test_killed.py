"""A sequence whose process is killed, between its stages and within them, ends as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stages.sequence.test_carry_out import NAMES, results, standing

ROOT = Path(__file__).resolve().parents[3]
MOMENTS = (
    "stage 2 of 6",
    "epoch   1/2",
    "stage 4 of 6",
    "predict noisy: 0",
    "clean by top_intersection: 1",
    "epoch   2/2",
)
"""What it says when it is killed, one after the other."""


def carried_out(sounds: Path, store: Path, out: Path, kill_at: str | None) -> bool:
    """Start the process, and kill it when it says so; whether it lived to its end."""
    command = [sys.executable, "-m", "tests.stages.sequence.one_sequence", str(sounds), str(store), str(out)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if kill_at is not None and line.startswith(kill_at):
                process.kill()
                return False
    assert process.returncode == 0, "".join(said)
    return True


@pytest.mark.slow
def test_killed_between_and_within_stages_it_ends_the_same_bit_for_bit(
    sounds: Path, store: Path, tmp_path: Path
) -> None:
    assert carried_out(sounds, store, tmp_path / "whole", None)
    killed = [moment for moment in MOMENTS if not carried_out(sounds, store, tmp_path / "killed", moment)]
    assert len(killed) >= 5, f"killed only at {killed}"
    assert carried_out(sounds, store, tmp_path / "killed", None)
    assert [row["state"] for row in standing(tmp_path / "killed")["stages"]] == ["finished"] * len(NAMES)
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
