"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and real tables, or a skip that says how to get it."""
    folder = Path(os.environ.get("EARMARK_SHARED", ROOT.parent / "shared" / "data"))
    if not (folder / "fsdmini").is_dir():
        pytest.skip(f"the real recordings are not at {folder}; point EARMARK_SHARED at their folder to run this test")
    return folder
