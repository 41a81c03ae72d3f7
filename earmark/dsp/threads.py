"""Work on a CPU in pieces side by side, each piece on one thread.

Torch by itself splits every single operation over its threads and lets them wait for one another at its end. For
long chains of small operations that is slow, and very slow when something else wants the same cores: then each of the
many waits lasts until the last thread gets its turn. Here a thread takes a whole piece, and they meet once. As a
piece is always computed by one thread, the numbers do not depend on how many threads there are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import TypeVar

import torch

_Piece = TypeVar("_Piece")


def side_by_side(work: Callable[[_Piece], object], pieces: Iterable[_Piece]) -> None:
    """Do the work for every piece, on as many threads as torch may use; back when all are done.

    Args:
        work: called once for each piece, from any thread; gradients are not recorded in there.
        pieces: what to call it with, in the order in which they are begun.

    Raises:
        Exception: whatever the work raised, when all threads are done; some pieces may then have been left out.
    """
    n_threads = torch.get_num_threads()
    rest = iter(list(pieces))
    inference = torch.is_inference_mode_enabled()
    if n_threads == 1 or not torch.backends.openmp.is_available():  # type: ignore[no-untyped-call]
        _take(work, rest, inference)
        return
    pool = _pool(n_threads, os.getpid())
    done, _ = wait([pool.submit(_take, work, rest, inference) for _ in range(n_threads)])
    for future in done:
        future.result()


def _take(work: Callable[[_Piece], object], rest: Iterator[_Piece], inference: bool) -> None:
    """Work on pieces from a list that other threads take from too (taking one is atomic)."""
    # Whether gradients are recorded is known to each thread for itself.
    with torch.inference_mode() if inference else torch.no_grad():
        for piece in rest:
            work(piece)


@lru_cache(maxsize=1)
def _pool(n_threads: int, process: int) -> ThreadPoolExecutor:
    """Threads that split no operation any further; a forked process, which inherits none, gets its own."""
    pool = ThreadPoolExecutor(n_threads, "earmark", initializer=_alone)
    # All must have started before the number of threads, of which torch keeps a copy for new threads, is put back.
    met = threading.Barrier(n_threads + 1)
    try:
        for _ in range(n_threads):
            pool.submit(met.wait)
        met.wait()
    except BaseException:
        met.abort()  # Or those that have started would wait for ever for one that could not.
        raise
    torch.set_num_threads(n_threads)
    return pool


def _alone() -> None:
    torch.get_num_threads()  # Asked once first: a thread's first use of torch would set the number it starts with.
    torch.set_num_threads(1)
