"""Who does the packing: this process, or several, each of which appends to a shard of its own.

Both ways take a list of jobs and yield lists of outcomes, in any order, one for each job.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from earmark.data.pack_settings import PackSettings
from earmark.data.shards import Job, Outcome, ShardWriter

# One message to a packing process carries this many files or bytes of files, whichever is reached first.
_BATCH_FILES, _BATCH_BYTES = 16, 16_000_000


def here(jobs: list[Job], folder: Path, settings: PackSettings, shard: int) -> Generator[list[Outcome], None, None]:
    """Pack in this process, a file at a time, into one new shard.

    Raises:
        OSError: the disk is full or broken.
    """
    writer = ShardWriter(folder, shard, settings)
    try:
        for job in jobs:
            yield [writer.append(job)]
    finally:
        writer.close()


def in_processes(
    jobs: list[Job], folder: Path, settings: PackSettings, first_shard: int, n_workers: int
) -> Generator[list[Outcome], None, None]:
    """Pack in ``n_workers`` processes, into as many new shards.

    Raises:
        OSError: the disk is full or broken.
        BrokenProcessPool: a process died. Before either is raised, what the others have finished is yielded.
    """
    context = multiprocessing.get_context("spawn")
    shards: SimpleQueue[int] = context.SimpleQueue()
    for number in range(n_workers):
        shards.put(first_shard + number)
    pool = ProcessPoolExecutor(n_workers, context, _start_writer, (folder, settings, shards))
    batches = _batches(jobs)
    pending: set[Future[list[Outcome]]] = set()
    failure: BaseException | None = None
    try:
        while True:
            if failure is None:
                # A few batches wait for each process, and no more: a list of a million files is not sent in one go.
                free = 3 * n_workers - len(pending)
                pending.update(pool.submit(_append_all, batch) for batch in islice(batches, free))
            if not pending:
                break
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                if (error := future.exception()) is None:
                    yield future.result()
                else:
                    failure = failure or error
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(cancel_futures=True)
        shards.close()


def _batches(jobs: list[Job]) -> Iterator[list[Job]]:
    batch: list[Job] = []
    n_bytes = 0
    for job in jobs:
        batch.append(job)
        n_bytes += job.n_bytes
        if len(batch) == _BATCH_FILES or n_bytes > _BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


# The writer of a packing process; other processes have none.
_writer: ShardWriter | None = None


def _start_writer(folder: Path, settings: PackSettings, shards: SimpleQueue[int]) -> None:
    """Make this process a packing process: with a shard of its own, deaf to Ctrl-C, and gone when its parent is."""
    global _writer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    _writer = ShardWriter(folder, shards.get(), settings)


def _leave_with(parent: BaseProcess) -> None:
    """End this process when its parent has ended, even by kill -9: nobody would ever give it work again."""
    parent.join()
    os._exit(1)


def _append_all(jobs: list[Job]) -> list[Outcome]:
    assert _writer is not None
    return [_writer.append(job) for job in jobs]
