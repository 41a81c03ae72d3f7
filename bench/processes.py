"""A batch in one process with two threads against a peer that does clip by clip in two processes, on the same cores.

Both get the same clips of 10 s at 44.1 kHz in memory. Starting processes, imports and first calls do not count.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.row import Row
from earmark.core.batch import Batch, waves

RATE_HZ = 44100
CLIP_SAMPLES = 10 * RATE_HZ
N_CORES = 2

Wave = NDArray[np.float32]
Build = Callable[..., Callable[[Wave], object]]
"""A function of a module, so that processes find it, that gives what the peer does to a clip [samples]."""


@contextmanager
def contest() -> Iterator[ProcessPoolExecutor]:
    """Two processes of one thread each for the peer, and two threads for torch."""
    threads = torch.get_num_threads()
    torch.set_num_threads(N_CORES)
    try:
        with _single_threaded_children(), ProcessPoolExecutor(N_CORES, multiprocessing.get_context("spawn")) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


def against(
    pool: ProcessPoolExecutor,
    names: tuple[str, str],
    ours: Callable[[Batch], object],
    build: Build,
    arguments: tuple[Any, ...] = (),
    *,
    n_clips: int,
    n_turns: int,
    note: str = "",
) -> Row:
    """One comparison.

    Args:
        names: what is done, and what the peer is.
        ours: does a batch of clips.
        build: see `Build`; it is given the arguments.
    """
    turns = [_turn(pool, ours, build, arguments, n_clips) for _ in range(n_turns + 1)][1:]
    mine, theirs = zip(*turns, strict=True)
    return Row.of(names[0], names[1], "clips of 10 s a second", mine, theirs, note)


def _turn(
    pool: ProcessPoolExecutor, ours: Callable[[Batch], object], build: Build, arguments: tuple[Any, ...], n_clips: int
) -> tuple[float, float]:
    """Clips a second: ours, the peer's."""
    batch = batch_of(n_clips)
    ours(batch)
    start = time.perf_counter()
    ours(batch)
    mine = n_clips / (time.perf_counter() - start)
    spans = list(pool.map(_timed, [build] * N_CORES, [arguments] * N_CORES, [n_clips] * N_CORES))
    return mine, N_CORES * n_clips / (max(end for _, end in spans) - min(start for start, _ in spans))


def _timed(build: Build, arguments: tuple[Any, ...], n_clips: int) -> tuple[float, float]:
    """When one process started and ended; imports and the first call, which loads libraries, do not count."""
    one, found = build(*arguments), clips(n_clips)
    one(found[0])
    start = time.monotonic()
    for wave in found:
        one(wave)
    return start, time.monotonic()


def clips(n: int) -> Wave:
    """[clips, samples] of noise under a slow swell, float32."""
    chance = np.random.default_rng(0)
    swell = np.sin(np.linspace(0, 20, CLIP_SAMPLES, dtype=np.float32))
    found = 0.1 * swell * chance.standard_normal((n, CLIP_SAMPLES), dtype=np.float32)
    return found.astype(np.float32, copy=False)


def batch_of(n: int) -> Batch:
    """The same clips as a batch, nothing padded."""
    lengths = torch.full((n,), CLIP_SAMPLES)
    found = waves(torch.from_numpy(clips(n)), lengths, RATE_HZ, tuple(map(str, range(n))), n_classes=1)
    return found.changed(padded=False)


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
