"""Packing ends well or goes on well: kills, full disks, other packers, and hours that must not fill the memory."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from earmark.core.errors import DataError
from earmark.data import packing
from earmark.data.decoding import decode
from earmark.data.packing import PackReport, PackSettings, pack
from earmark.data.shards import ShardWriter
from earmark.data.store import Store


def test_processes_pack_what_one_process_packs(
    root: Path, folder: Path, write_noise: Callable[..., list[str]], store_holds: Callable[[list[str]], bool]
) -> None:
    files = write_noise(40)
    calls: list[tuple[int, int]] = []
    report = pack(files, root, folder, workers=2, progress=lambda done, of: calls.append((done, of)))
    assert report.n_packed == 40
    assert store_holds(files)
    assert calls[0] == (0, 40)
    assert calls[-1] == (40, 40)
    assert calls == sorted(calls)
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".i16") == [
        *("index.parquet", "pack.lock", "quarantine.csv", "store.json")
    ]


def test_a_second_packer_is_refused_and_a_dead_one_is_not_waited_for(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, write_noise: Callable[..., list[str]]
) -> None:
    files = write_noise(2)
    monkeypatch.setattr(packing, "_LOCK_WAIT_S", 0.0)

    def pack_inside(done: int, of: int) -> None:
        with pytest.raises(DataError, match=rf"another packer \(process {os.getpid()}\) is at work on"):
            pack(files, root, folder, workers=1)

    pack(files, root, folder, workers=1, progress=pack_inside)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (folder / "pack.pid").write_bytes(dead.stdout)
    assert pack(files, root, folder, workers=1).n_kept_from_before == 2


def test_a_packer_with_nothing_to_do_takes_no_lock(
    root: Path, folder: Path, write_noise: Callable[..., list[str]]
) -> None:
    files = write_noise(3)
    first = pack(files[:2], root, folder, workers=1)
    inside: list[PackReport] = []
    calls: list[tuple[int, int]] = []

    def pack_inside(done: int, of: int) -> None:
        inside.append(pack(files[:2], root, folder, workers=1, progress=lambda *counts: calls.append(counts)))

    pack(files, root, folder, workers=1, progress=pack_inside)
    assert first.n_packed == 2 and calls[0] == (2, 2)
    assert [report.n_kept_from_before for report in inside] == [2] * len(inside)


def test_a_packer_waits_for_one_that_is_about_to_finish(
    root: Path, folder: Path, write_noise: Callable[..., list[str]], store_holds: Callable[[list[str]], bool]
) -> None:
    files = write_noise(2)
    begun = threading.Event()

    def dawdle(done: int, of: int) -> None:
        begun.set()
        time.sleep(0.1)

    first = threading.Thread(target=pack, args=(files[:1], root, folder), kwargs={"workers": 1, "progress": dawdle})
    first.start()
    begun.wait(5)
    report = pack(files, root, folder, workers=1)
    first.join()
    assert (report.n_kept_from_before, report.n_packed) == (1, 1) and store_holds(files)


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(
    root: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_noise: Callable[..., list[str]],
    store_holds: Callable[[list[str]], bool],
) -> None:
    files = write_noise(10)
    put = ShardWriter._put

    def put_until_full(self: ShardWriter, block: np.ndarray, at: int, scale: float) -> None:
        if self._n_samples > 9000:
            put(self, block[:700], at, scale)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(self, block, at, scale)

    with monkeypatch.context() as patched:
        patched.setattr(ShardWriter, "_put", put_until_full)
        with pytest.raises(DataError, match=r"the disk is full: writing .*store takes about .* more and .* are free; "):
            pack(files, root, folder, workers=1)
    assert store_holds(files[:5])
    assert (folder / "shard-00000.i16").stat().st_size == 2 * sum(2000 + n for n in range(5))
    assert pack(files, root, folder, workers=1).n_packed == 5
    assert store_holds(files)


def test_a_place_that_cannot_hold_a_store_is_a_sentence(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match=r"cannot hold a packed store .*choose another folder"):
        pack([], root, tmp_path / "file" / "store", workers=1)


def test_an_error_of_the_callers_own_passes_with_the_work_saved(
    root: Path, folder: Path, write_noise: Callable[..., list[str]], store_holds: Callable[[list[str]], bool]
) -> None:
    files = write_noise(5)

    def interrupt(done: int, of: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(files, root, folder, workers=1, progress=interrupt)
    assert store_holds(files[:3])


def test_a_packing_process_that_is_killed_is_a_sentence_and_its_work_is_done_by_the_next_call(
    root: Path, folder: Path, write_noise: Callable[..., list[str]], store_holds: Callable[[list[str]], bool]
) -> None:
    files = write_noise(300, 4000)

    killed: list[int] = []

    def kill_one(done: int, of: int) -> None:
        if done and not killed:
            killed.append(multiprocessing.active_children()[0].pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    with pytest.raises(DataError, match=r"was killed or ran out of memory after \d+ of 300 files, which are safe"):
        pack(files, root, folder, workers=2, progress=kill_one)
    safe = len(Store.open(folder))
    assert 0 < safe < 300
    assert pack(files, root, folder, workers=1).n_packed == 300 - safe
    assert store_holds(files)


PACK_AND_BE_KILLED = """
    import sys
    from pathlib import Path
    from earmark.data import packing

    if __name__ == "__main__":
        packing._SAVE_EVERY_S, packing._SAVE_PAUSES = 0.01, 0.0
        root, folder, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
        files = sorted(path.name for path in root.iterdir())
        said = []
        def say(done, of):
            if done and not said:
                said.append(print("packing", flush=True))
        packing.pack(files, root, folder, packing.PackSettings(rate_hz=16000), workers=workers, progress=say)
        print("done", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_moment_the_next_call_goes_on_to_the_same_store(
    root: Path, folder: Path, tmp_path: Path, workers: int, write_noise: Callable[..., list[str]]
) -> None:
    files = write_noise(120, 60_000)
    settings = PackSettings(rate_hz=16000)
    pack(files, root, tmp_path / "uninterrupted", settings, workers=1)
    whole = Store.open(tmp_path / "uninterrupted")
    script = tmp_path / "pack_and_be_killed.py"
    script.write_text(textwrap.dedent(PACK_AND_BE_KILLED))
    dice = random.Random(workers)
    n_before = n_kills = 0
    for _ in range(4):
        arguments = [sys.executable, str(script), str(root), str(folder), str(workers)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            packers = psutil.Process(process.pid).children(recursive=True)
            try:
                process.wait(dice.uniform(0.0, 0.15))
            except subprocess.TimeoutExpired:
                process.kill()
                n_kills += 1
        assert not psutil.wait_procs(packers, timeout=5)[1]  # nobody is left behind, waiting for work
        if (folder / "index.parquet").exists():
            store = Store.open(folder)
            assert len(store) >= n_before
            n_before = len(store)
            for file in store.table["file"]:
                assert np.array_equal(store.read(file), whole.read(file))
    assert n_kills
    report = pack(files, root, folder, settings, workers=workers)
    assert report.n_kept_from_before == n_before
    store = Store.open(folder)
    assert len(store) == 120
    assert all(np.array_equal(store.read(file), whole.read(file)) for file in files)
    assert not list(folder.glob(".*"))


MEASURE = """
    import sys
    from pathlib import Path
    from earmark.data.decoding import blocks
    from earmark.data.packing import pack

    def resident_mb(which):
        # The high-water mark of this program; getrusage would count what its parent had before it began.
        return int(Path("/proc/self/status").read_text().split(which + ":")[1].split()[0]) / 1024

    root, folder = Path(sys.argv[1]), Path(sys.argv[2])
    before = resident_mb("VmRSS")
    report = pack(["hour.wav"], root, folder, workers=1)
    assert report.n_packed == 1, report
    print(resident_mb("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc to measure memory")
def test_an_hour_streams_through_little_memory(root: Path, folder: Path, tmp_path: Path) -> None:
    # A full-scale square wave: it rings over full scale when resampled, so the hour is decoded a second time.
    second = np.where(np.arange(8000) // 20 % 2, 0.99, -0.99)
    with soundfile.SoundFile(root / "hour.wav", "w", 8000, 1, subtype="PCM_U8") as file:
        for _ in range(60):
            file.write(np.tile(second, 60))
    script = tmp_path / "measure.py"
    script.write_text(textwrap.dedent(MEASURE))
    arguments = [sys.executable, str(script), str(root), str(folder)]
    grown_mb = float(subprocess.run(arguments, capture_output=True, check=True, text=True).stdout)
    assert grown_mb < 150  # the hour as float32 at 44.1 kHz is 635
    store = Store.open(folder)
    assert store.seconds("hour.wav") == 3600
    assert store.table["scale"][0] > 1.01
    expected = decode(root / "hour.wav", 44100, 0.0, 2.0)[:44100]
    assert np.abs(store.read("hour.wav", 0, 44100) - expected).max() < 1e-4


def test_saving_while_packing_is_what_a_reader_sees(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, write_noise: Callable[..., list[str]]
) -> None:
    files = write_noise(6)
    monkeypatch.setattr(packing, "_SAVE_EVERY_S", -1.0)
    monkeypatch.setattr(packing, "_SAVE_PAUSES", 0.0)
    seen: list[int] = []
    pack(files, root, folder, workers=1, progress=lambda done, of: seen.append(len(Store.open(folder)) if done else 0))
    assert seen == [0, 1, 2, 3, 4, 5, 6]
