"""A view that measures the data: fitted once, kept in the tagger, the same after a resume."""

from __future__ import annotations

from pathlib import Path

import torch

from earmark.runs.checkpoints import load
from tests.cli.conftest import train_arguments


def test_statistics_are_fitted_and_travel_with_the_tagger(earmark, sounds: Path, tmp_path: Path) -> None:
    change = ("-s", "view.0.normalise.over=global", "-s", "training.epochs=1")
    assert earmark(*train_arguments(sounds, tmp_path, *change)).code == 0
    tensors, _ = load(tmp_path / "run" / "tagger.safetensors")
    fitted = {name: value for name, value in tensors.items() if name.startswith("view/")}
    assert any(name.endswith("fitted") and bool(value) for name, value in fitted.items())
    assert all(torch.isfinite(value.float()).all() for value in fitted.values())
    clip = min((sounds / "test").iterdir())
    assert earmark("tag", tmp_path / "run", clip).code == 0
