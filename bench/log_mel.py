"""How fast log-mel features are made: earmark with two threads against librosa in two processes, on the same two cores.

Both get the same clips of 10 s at 44.1 kHz in memory and make decibels of mel bands out of them, with and without
normalising each clip. Starting processes, imports and first calls do not count.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.row import Row
from earmark.core.batch import Batch, waves
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.signal.frontends.log_mel import LogMel

RATE_HZ = 44100
CLIP_SAMPLES = 10 * RATE_HZ
N_CORES = 2
RECIPES: dict[str, dict[str, Any]] = {
    "128 bands, FFT 2560, hop 347": {"n_fft": 2560, "hop_samples": 347, "n_mels": 128},
    "64 bands, FFT 1024, hop 512": {"n_fft": 1024, "hop_samples": 512, "n_mels": 64},
}


def measure(quick: bool = False) -> list[Row]:
    """One row a recipe and normalisation.

    Args:
        quick: fewer clips and fewer turns, to see that it runs.
    """
    n_clips, n_turns = (2, 1) if quick else (16, 5)
    rows = []
    threads = torch.get_num_threads()
    torch.set_num_threads(N_CORES)
    try:
        with _single_threaded_children(), ProcessPoolExecutor(N_CORES, multiprocessing.get_context("spawn")) as pool:
            for name, mel in RECIPES.items():
                for over in ("none", "clip"):
                    turns = [_turn(pool, mel, over, n_clips) for _ in range(n_turns + 1)][1:]
                    ours, theirs = zip(*turns, strict=True)
                    what = name + (", clip normalisation" if over == "clip" else "")
                    peer = f"librosa in {N_CORES} processes"
                    rows.append(Row.of(what, peer, "clips of 10 s a second", ours, theirs))
    finally:
        torch.set_num_threads(threads)
    return rows


def _turn(pool: ProcessPoolExecutor, mel: dict[str, Any], over: str, n_clips: int) -> tuple[float, float]:
    """Clips a second: ours, the peer's."""
    batch = _batch(n_clips)
    module = read(LogMel, {"mel": mel, "normalise": {"over": over}}).build(Spec("wave", RATE_HZ))
    module(batch)
    start = time.perf_counter()
    module(batch)
    ours = n_clips / (time.perf_counter() - start)
    spans = list(pool.map(_librosa, [mel] * N_CORES, [over] * N_CORES, [n_clips] * N_CORES))
    peer = N_CORES * n_clips / (max(end for _, end in spans) - min(start for start, _ in spans))
    return ours, peer


def _clips(n: int) -> NDArray[np.float32]:
    """[clips, samples] of noise under a slow swell, float32."""
    chance = np.random.default_rng(0)
    swell = np.sin(np.linspace(0, 20, CLIP_SAMPLES, dtype=np.float32))
    found = 0.1 * swell * chance.standard_normal((n, CLIP_SAMPLES), dtype=np.float32)
    return found.astype(np.float32, copy=False)


def _batch(n: int) -> Batch:
    lengths = torch.full((n,), CLIP_SAMPLES)
    found = waves(torch.from_numpy(_clips(n)), lengths, RATE_HZ, tuple(map(str, range(n))), n_classes=1)
    return found.changed(padded=False)


def _librosa(mel: dict[str, Any], over: str, n_clips: int) -> tuple[float, float]:
    """When one process started and ended; imports and the first call, which loads libraries, do not count."""
    import librosa

    def one(wave: NDArray[np.float32]) -> NDArray[np.float32]:
        power = librosa.feature.melspectrogram(
            y=wave,
            sr=RATE_HZ,
            n_fft=mel["n_fft"],
            hop_length=mel["hop_samples"],
            n_mels=mel["n_mels"],
            fmin=20.0,
            pad_mode="constant",
        )
        level: NDArray[np.float32] = librosa.power_to_db(power, top_db=80.0)
        return level if over == "none" else (level - level.mean()) / (level.std() + 1e-7)

    clips = _clips(n_clips)
    one(clips[0])
    start = time.monotonic()
    for wave in clips:
        one(wave)
    return start, time.monotonic()


@contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Processes started inside use one thread each, as many processes side by side should."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
