"""Sounds with planted faults, in memory: thirty different clips, and whatever a test adds to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from earmark.audit.kept import Kept
from earmark.audit.survey import Survey, survey
from earmark.core.manifest import Manifest
from earmark.data.clips import Clips
from tests.tiny import Memory

RATE_HZ = 16000


class World(NamedTuple):
    """Clips in memory with what is known of them."""

    manifest: Manifest
    clips: Clips
    survey: Survey


def sound(seed: int, seconds: float = 1.0, level: float = 0.1) -> np.ndarray:
    """Noise through a resonance or two, swelling and falling: no two seeds alike, and none silent or clipped."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    shape = sum(1 / (1 + ((hz - at) / (0.2 * at)) ** 2) for at in rng.uniform(200, 6000, 2)) + 0.02
    wave = np.fft.irfft(spectrum * shape, n)
    swell = 0.3 + np.abs(np.sin(np.pi * rng.uniform(0.5, 4) * np.arange(n) / RATE_HZ + rng.uniform(0, 3)))
    wave = wave * swell
    return np.float32(level * wave / wave.std())


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., World]:
    """Makes a world of waves by name; columns and labels by name as a manifest has them."""

    def make(
        waves: Mapping[str, np.ndarray],
        columns: Mapping[str, Sequence[Any]] | None = None,
        labels: Mapping[str, Sequence[str]] | None = None,
        rate_hz: int = RATE_HZ,
    ) -> World:
        store = Memory(waves)
        store.rate_hz = rate_hz
        ids = list(waves)
        seconds = [len(waves[name]) / rate_hz for name in ids]
        said = [(clip, label) for clip, names in (labels or {}).items() for label in names]
        table = pl.DataFrame(said, schema={"clip": pl.String, "label": pl.String}, orient="row")
        manifest = Manifest.of(
            pl.DataFrame({"id": ids, "file": ids, "seconds": seconds, **(columns or {})}),
            table,
            classes=sorted({label for _, label in said}),
            root=Path("memory"),
        )
        clips = Clips.of(manifest, store)  # type: ignore[arg-type]
        kept = Kept(tmp_path_factory.mktemp("kept"))
        return World(manifest, clips, survey(manifest, clips, kept))

    return make


def blocks(wave: np.ndarray) -> Callable[[int], Any]:
    """A wave as a meter reads it."""
    return partial(_blocks, wave)


def _blocks(wave: np.ndarray, n: int) -> Any:
    return (wave[at : at + n].astype(np.float32) for at in range(0, len(wave), n))
