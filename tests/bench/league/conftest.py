"""What the tests of the league share: generated sounds, and a place to play on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.league import running
from bench.league.place import Place
from earmark.demo.dataset import DemoSettings, generate
from earmark.stages.prepare import read_manifest
from tests.bench.league.fakes import Workshop


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated data set of about fifty clips in five folds."""
    folder = tmp_path_factory.mktemp("league") / "sounds"
    generate(folder, DemoSettings(size=0.05, longest_s=2.0), workers=1)
    return folder


@pytest.fixture
def place(sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A league that packs nothing."""
    monkeypatch.setattr(running, "prepare", lambda *_, **__: None)
    return Place(sounds, tmp_path / "league", 20.0, "each", gpu=False)


@pytest.fixture
def workshop(sounds: Path) -> Workshop:
    """What stands for processes."""
    return Workshop(read_manifest(sounds, None))
