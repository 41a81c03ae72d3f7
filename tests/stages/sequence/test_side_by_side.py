"""A sequence on two devices: both learn, one does the rest and says what stands where; once more, all is skipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT


def carried_out(*places: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.stages.sequence.side_by_side", *map(str, places)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.slow
def test_two_processes_carry_one_plan_out(sounds: Path, store: Path, tmp_path: Path) -> None:
    said = carried_out(sounds, store, tmp_path / "out")
    assert sorted(each["first"] for each in said) == [False, True] and said[0]["rows"] == said[1]["rows"]
    rows = said[0]["rows"]
    assert [row["state"] for row in rows] == ["finished"] * 3
    for row in rows[::2]:
        folder = tmp_path / "out" / row["folder"]
        assert row["scores"] and "devices: 2" in (folder / "recipe.yaml").read_text(encoding="utf-8")
        assert (folder / "tagger.safetensors").is_file() and (folder / "predictions" / "held_out.parquet").is_file()
    stamps = {place: place.stat().st_mtime_ns for place in (tmp_path / "out").glob("*/**/*.safetensors")}
    assert carried_out(sounds, store, tmp_path / "out")[0]["rows"] == rows
    assert stamps == {place: place.stat().st_mtime_ns for place in (tmp_path / "out").glob("*/**/*.safetensors")}
