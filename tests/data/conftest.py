"""What the tests of packing share: folders, files of noise, and what a store must hold of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark.data.decoding import decode
from earmark.data.store import Store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder for audio files."""
    (tmp_path / "audio").mkdir()
    return tmp_path / "audio"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store goes."""
    return tmp_path / "store"


@pytest.fixture
def write_noise(root: Path) -> Callable[..., list[str]]:
    """Writes wav files of 16 bits into ``root`` and gives their names; no two are of the same length."""

    def write(n_files: int, n_samples: int = 2000, rate_hz: int = 44100) -> list[str]:
        rng = np.random.default_rng(n_files)
        files = [f"{number:03d}.wav" for number in range(n_files)]
        for number, file in enumerate(files):
            noise = rng.integers(-32768, 32768, n_samples + number).astype(np.int16)
            soundfile.write(root / file, noise, rate_hz)
        return files

    return write


@pytest.fixture
def store_holds(root: Path, folder: Path) -> Callable[[list[str]], bool]:
    """Whether the store in ``folder`` holds these files of ``root`` and no others, sample for sample."""

    def holds(files: list[str]) -> bool:
        store = Store.open(folder)
        return store.table["file"].to_list() == sorted(files) and all(
            np.array_equal(store.read(file), decode(root / file, store.rate_hz)) for file in files
        )

    return holds
