"""A training that is killed at any moment, and started again, ends as if it had never stopped."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from earmark.demo.dataset import DemoSettings, generate
from earmark.runs.checkpoints import load

CHANGES = (
    "model.encoder.widths=[4, 8]",
    "training.epochs=6",
    "training.average=0.9",
    "training.accumulate=2",
    "streams.curated.batch_size=4",
)


def command(sounds: Path, work: Path, out: str) -> list[str]:
    """The same command every time, with dropout, mixing, masks, bf16 where there is some, and averaged weights on."""
    changes = [part for change in CHANGES for part in ("-s", change)]
    where = ["--data", str(sounds), "--store", str(work / "store"), "--out", str(work / out), "--fold", "0"]
    return [sys.executable, "-m", "earmark", "train", "demo", *where, *changes]


def without_timings(log: Path) -> list[dict[str, float]]:
    """The rows of a log, without what a clock says."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("seconds", "clips_per_s")} for row in rows]


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_the_same_bit_for_bit(tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    generate(sounds, DemoSettings(size=0.05), workers=1)
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    subprocess.run(command(sounds, tmp_path, "whole"), env=env, check=True, capture_output=True)
    lasts = time.monotonic() - began
    rng = random.Random(0)
    n_kills = 0
    for _ in range(8):
        process = subprocess.Popen(
            command(sounds, tmp_path, "killed"), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            _, err = process.communicate(timeout=rng.uniform(0.2, 0.7) * lasts)
            assert process.returncode == 0, err.decode()
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            n_kills += 1
    subprocess.run(command(sounds, tmp_path, "killed"), env=env, check=True, capture_output=True)
    assert n_kills >= 1, "nothing was killed, so nothing was tested"
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert without_timings(whole / "log.jsonl") == without_timings(killed / "log.jsonl")
    for name in ("tagger.safetensors", "checkpoints/last.safetensors"):
        one, _ = load(whole / name)
        other, _ = load(killed / name)
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert torch.equal(value, other[key]), f"{name}: {key}"


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    """Another seed gives another log: equality above is not for want of looking."""
    (tmp_path / "a").write_text('{"epoch": 1, "total": 0.5, "seconds": 1}\n')
    (tmp_path / "b").write_text('{"epoch": 1, "total": 0.5, "seconds": 2}\n')
    (tmp_path / "c").write_text('{"epoch": 1, "total": 0.6, "seconds": 1}\n')
    assert without_timings(tmp_path / "a") == without_timings(tmp_path / "b") != without_timings(tmp_path / "c")
