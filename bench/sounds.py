"""Generated recordings for the benchmarks: tones that glide and swell over a bed of noise, in files and in a store.

Lengths are in seconds. The sounds cost an encoder about what recordings do: pure noise would make compressed files
large and slow, silence small and fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import soundfile
from numpy.typing import NDArray

from earmark.core.manifest import Manifest
from earmark.data.clips import Clips
from earmark.data.packing import PackSettings, pack
from earmark.data.store import Store

RATE_HZ = 44100
N_CLASSES = 80
# As many frames as are written at once: libsndfile's Vorbis encoder overflows the stack on long buffers.
_BLOCK_SAMPLES = 1 << 16


def wave(length_s: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """One recording, [samples]."""
    times = np.arange(round(length_s * RATE_HZ), dtype=np.float32) / RATE_HZ
    found = 0.01 * rng.standard_normal(len(times), dtype=np.float32)
    for _ in range(4):
        start_hz, glide_hz_per_s = rng.uniform(80, 6000), rng.uniform(-40, 40)
        swell = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.2, 3) * times + rng.uniform(0, 6))
        phase = 2 * np.pi * (np.float32(start_hz) * times + np.float32(glide_hz_per_s / 2) * times**2)
        found += 0.1 * swell * np.sin(phase)
    return found.astype(np.float32)


def natural_lengths_s(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Lengths as they are in collections of short sounds: log-normal with a median of 4 s, from 0.3 to 20 s."""
    return np.clip(rng.lognormal(np.log(4.0), 0.9, n), 0.3, 20.0)


def record(folder: Path, lengths_s: Sequence[float] | NDArray[np.float64], audio_format: str = "wav") -> list[str]:
    """Write recordings into a folder, the same ones in every format; their names."""
    rng = np.random.default_rng(0)
    names = [f"{number:04}.{audio_format}" for number in range(len(lengths_s))]
    for name, length_s in zip(names, lengths_s, strict=True):
        subtype = {"wav": "PCM_16", "ogg": "VORBIS"}[audio_format]
        samples = wave(float(length_s), rng)
        with soundfile.SoundFile(folder / name, "w", RATE_HZ, 1, subtype) as file:
            for start in range(0, len(samples), _BLOCK_SAMPLES):
                file.write(samples[start : start + _BLOCK_SAMPLES])
    return names


def packed(names: Sequence[str], folder: Path, store: Path) -> Store:
    """The recordings of a folder in a store."""
    pack(names, folder, store, PackSettings(rate_hz=RATE_HZ), workers=1)
    return Store.open(store)


def clips(lengths_s: Sequence[float] | NDArray[np.float64], folder: Path) -> Clips:
    """Packed recordings with two labels each, drawn blindly."""
    sounds = folder / "sounds"
    sounds.mkdir()
    names = record(sounds, lengths_s)
    classes = [f"class {number:02}" for number in range(N_CLASSES)]
    rng = np.random.default_rng(1)
    said = [(name, classes[k]) for name in names for k in rng.choice(N_CLASSES, 2, replace=False)]
    manifest = Manifest.of(
        pl.DataFrame({"id": names, "file": names}),
        pl.DataFrame(said, schema=["clip", "label"], orient="row"),
        classes=classes,
        root=sounds,
    )
    return Clips.of(manifest, packed(names, sounds, folder / "store"))
