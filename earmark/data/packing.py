"""Packing: files are decoded once into a store from which any crop of any clip is a copy.

The work can be ended at any moment, by Ctrl-C, ``kill -9`` or the power, and the same call goes on from what the
index has; see `earmark.data.ledger` for why. Files are named relative to a root, and that name is the clip's name in
the store. A store may serve many manifests: files that are not asked for this time stay in it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import filelock

from earmark.core.errors import DataError
from earmark.core.files import PARTIAL, disk_full, is_disk_full, megabytes
from earmark.data.ledger import INDEX, SETTINGS, Ledger, claim
from earmark.data.pack_settings import PackSettings
from earmark.data.packers import here, in_processes
from earmark.data.shards import SAMPLE_BYTES, Job, Outcome, QuarantineRow, stamp

__all__ = ["PackReport", "PackSettings", "pack"]

# The ledger goes to the disk this often, unless that (with a million clips, say) would take a twentieth of the time.
_SAVE_EVERY_S, _SAVE_PAUSES = 5.0, 20.0
# Another packer may be about to finish.
_LOCK_WAIT_S = 10.0
# So few files are packed sooner than a process starts.
_FEWEST_FOR_PROCESSES = 8


@dataclass(frozen=True)
class PackReport:
    """What a call of `pack` did; the first four counts add up to the number of different files asked for.

    Attributes:
        n_packed: clips that are new in the store.
        n_changed: clips packed again because their source is another than before.
        n_kept_from_before: clips that were in the store already.
        n_quarantined: files that are not in the store.
        audio_s: length of the clips that this call packed.
        seconds: how long the call took.
        quarantine: the files that are not in the store, and those that are and deserve a remark (``kept``).
    """

    n_packed: int
    n_changed: int
    n_kept_from_before: int
    n_quarantined: int
    audio_s: float
    seconds: float
    quarantine: tuple[QuarantineRow, ...]


def pack(
    files: Sequence[str],
    root: str | Path,
    folder: str | Path,
    settings: PackSettings | None = None,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    retry: bool = False,
) -> PackReport:
    """Bring files into a packed store.

    Where nothing is due the store is only read, so any number of processes may call this at once.

    Files whose size or time of change differ from those of the packed source are packed again. A source that is gone
    stays in the store as it was. Bad files are remembered, with the reason, and tried again when they change.

    Args:
        files: names relative to ``root``; a name given twice counts once.
        root: where the files lie. Nothing is written there.
        folder: the store; it is made when missing.
        settings: None means the defaults.
        workers: packing processes, one a processor unless told otherwise; up to 1 packs in this process.
        progress: called with the number of files that are dealt with, and that of all.
        retry: try quarantined files again though they have not changed (a decoder was installed, say).

    Raises:
        DataError: the store has other settings or another packer is at work on it and does not finish within
            seconds, the disk is full, or a packing process died. What was packed until then stays packed.
    """
    began = time.monotonic()
    root, folder, settings = Path(root), Path(folder), settings or PackSettings()
    names = list(dict.fromkeys(files))
    ledger = _whole(names, root, folder, settings, retry)
    packed: set[str] = set()
    before: set[str] = set()
    if ledger is None:
        with _alone_in(folder):
            claim(folder, settings)
            ledger = Ledger(folder)
            before = set(ledger.rows)
            jobs = _due(names, root, ledger, retry)
            _see_to(jobs, ledger, folder, settings, workers, len(names), progress)
        packed = {job.file for job in jobs if job.file in ledger.rows}
    elif progress is not None:
        progress(len(names), len(names))
    refused = [name for name in names if name not in ledger.rows]
    return PackReport(
        n_packed=len(packed - before),
        n_changed=len(packed & before),
        n_kept_from_before=len(names) - len(refused) - len(packed),
        n_quarantined=len(refused),
        audio_s=sum(ledger.rows[file].n_samples for file in packed) / settings.rate_hz,
        seconds=time.monotonic() - began,
        quarantine=tuple(ledger.quarantine[name] for name in names if name in ledger.quarantine),
    )


def _see_to(
    jobs: list[Job],
    ledger: Ledger,
    folder: Path,
    settings: PackSettings,
    workers: int | None,
    n_files: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Pack what is due into new shards, in this process or in several."""
    shard = ledger.next_shard()
    ledger.drop_strays()
    n_workers = min(_n_workers(workers), len(jobs) // _FEWEST_FOR_PROCESSES)
    if n_workers > 1:
        work = in_processes(jobs, folder, settings, shard, n_workers)
    else:
        work = here(jobs, folder, settings, shard)
    _Session(ledger, folder, jobs, n_files, progress).see_through(work)


class _Session:
    """One call of `pack`: outcomes go into the ledger as they come, and the ledger to the disk every few seconds."""

    def __init__(
        self, ledger: Ledger, folder: Path, jobs: list[Job], n_files: int, progress: Callable[[int, int], None] | None
    ) -> None:
        self._ledger = ledger
        self._folder = folder
        self._jobs = jobs
        self._n_files = n_files
        self._progress = progress
        self._n_done = 0
        self._grown: set[int] = set()
        self._save_at = time.monotonic() + _SAVE_EVERY_S

    def see_through(self, work: Generator[list[Outcome], None, None]) -> None:
        """Take in all of the work, or what there is of it when something stops it.

        Raises:
            DataError: what stopped it, in words; an error of the caller's ``progress`` passes as it is.
        """
        self._tell()
        try:
            for outcomes in self._in_words(work):
                self._record(outcomes)
                self._tell()
        except BaseException:
            work.close()
            # What stopped the work is the news; that a full disk does not take the index either is not.
            with suppress(DataError):
                self._save()
            raise
        self._save()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._n_files - len(self._jobs) + self._n_done, self._n_files)

    def _in_words(self, work: Iterator[list[Outcome]]) -> Iterator[list[Outcome]]:
        try:
            yield from work
        except BrokenProcessPool as error:
            raise DataError(self._died(), self._folder) from error
        except OSError as error:
            if is_disk_full(error):
                raise disk_full(self._folder, self._still_wanted()) from error
            raise DataError(f"the store {self._folder} could not be written ({error})", self._folder) from error

    def _record(self, outcomes: list[Outcome]) -> None:
        self._n_done += len(outcomes)
        for outcome in outcomes:
            self._ledger.record(outcome)
            if outcome.packed is not None:
                self._grown.add(outcome.packed.shard)
        if time.monotonic() > self._save_at:
            self._save()

    def _save(self) -> None:
        began = time.monotonic()
        self._ledger.save(self._grown)
        self._grown.clear()
        ended = time.monotonic()
        self._save_at = ended + max(_SAVE_EVERY_S, _SAVE_PAUSES * (ended - began))

    def _still_wanted(self) -> str | None:
        """How much room the rest takes, if it is like what is there; none where nothing is."""
        lengths = [row.n_samples for row in self._ledger.rows.values()]
        if not lengths:
            return None
        left = (len(self._jobs) - self._n_done) * sum(lengths) * SAMPLE_BYTES // len(lengths)
        return f"about {megabytes(left)} more"

    def _died(self) -> str:
        if self._n_done:
            return (
                f"a packing process was killed or ran out of memory after {self._n_done} of {len(self._jobs)} files, "
                "which are safe; run the same command again, with fewer workers if memory is short"
            )
        return (
            "the packing processes died before their first file; if pack() is called from a script of your own, "
            'call it under `if __name__ == "__main__":`, or give workers=1'
        )


def _whole(names: list[str], root: Path, folder: Path, settings: PackSettings, retry: bool) -> Ledger | None:
    """The ledger of a store to which nothing needs to be added; None where there is something to do, or no store."""
    if not ((folder / SETTINGS).exists() and (folder / INDEX).exists()):
        return None
    claim(folder, settings)
    ledger = Ledger(folder)
    return None if _due(names, root, ledger, retry) else ledger


def _due(names: list[str], root: Path, ledger: Ledger, retry: bool) -> list[Job]:
    """The files that are not in the store as they are now."""
    jobs = []
    for name in names:
        source = root / name
        now = stamp(source)
        if (row := ledger.rows.get(name)) is not None:
            done = now in ((row.source_bytes, row.source_mtime_ns), (-1, -1))
        elif (bad := ledger.quarantine.get(name)) is not None and not bad.kept and not retry:
            done = now == (bad.source_bytes, bad.source_mtime_ns)
        else:
            done = False
        if not done:
            jobs.append(Job(name, str(source), now[0]))
    return jobs


def _n_workers(workers: int | None) -> int:
    if workers is not None:
        return workers
    # The processors that this process may use, which on a shared machine are fewer than there are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other packers out of a store; the system lets go of the lock when its holder dies, however it dies."""
    lock = filelock.FileLock(folder / "pack.lock", timeout=_LOCK_WAIT_S)
    holder = folder / "pack.pid"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        holder.write_text(f"{os.getpid()}\n")
        for left_behind in folder.glob(f".*{PARTIAL}"):
            left_behind.unlink()
    except filelock.Timeout:
        pid = holder.read_text().strip() if holder.exists() else "unknown"
        raise DataError(
            f"another packer (process {pid}) is at work on {folder}; wait until it is done, or end it", folder
        ) from None
    except OSError as error:
        lock.release()
        if is_disk_full(error):
            raise disk_full(folder, "a few kB") from error
        raise DataError(f"{folder} cannot hold a packed store ({error}); choose another folder", folder) from error
    try:
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
