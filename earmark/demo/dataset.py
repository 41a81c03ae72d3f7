"""The generated data set on disk: the Kaggle layout of FSDKaggle2019, with the answers beside it.

    train_curated/ train_noisy/ test/              16-bit mono clips, eight hexadecimal digits for a name
    train_curated.csv train_noisy.csv              fname,labels (joined by commas) as a participant gets them
    sample_submission.csv vocabulary.csv           fname and one column a class; index,name
    test.csv                                       fname,labels,usage (Public or Private)
    truth/train_curated.csv truth/train_noisy.csv  fname,true_labels,kind
    meta.csv                                       fname,folder,fold,seconds,group
    README.txt demo.json                           what this is; the settings it came from

Every clip is a function of the settings and its number alone, so neither the number of workers nor an interruption
changes a byte. Files appear whole or not at all, clips first, tables last.
"""

import csv
import io
import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Annotated, Literal
from zlib import crc32

import numpy as np
import soundfile
from pydantic import Field

from earmark.core.errors import DataError, RunError, SettingsError
from earmark.core.files import PARTIAL, write_bytes_atomically
from earmark.core.settings import Settings
from earmark.demo.plan import KINDS, PlannedClip, draw_plan
from earmark.demo.recording import RECORDIST, SOUNDTRACK, loudness, record
from earmark.demo.sounds import sounds, vocabulary
from earmark.demo.sounds.acoustics import place, swell
from earmark.demo.sounds.family import Wave

VERSION = 1
"""Raised whenever the same settings would give other bytes; a folder is only ever continued by its own version."""
PLAN, CLIP, INSTANCE = 1, 2, 3
"""What a generator is for: the second word of its seed, after the user's own."""
CHUNK = 8
README = """\
A synthetic data set for trying out earmark. Every sound was computed from a formula; nothing was recorded, and nobody
labelled anything: the mistakes in the labels were made on purpose and truth/ says what they are.

The layout is that of FSDKaggle2019. fold in meta.csv is the fold of a clip's group; an instance of a sound (one bell,
one voice) belongs to one group only, and test groups share no instance with training. The same settings (demo.json)
give the same files, so there is no need to keep them.
"""


class DemoSettings(Settings):
    """Which data set to generate."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Another seed gives other sounds, other mixtures and other mistakes in the labels."""
    size: Annotated[float, Field(gt=0, le=10_000)] = 1.0
    """Factor on the number of clips: 1 is 240 curated, 720 noisy and 200 test clips; every class is in every part."""
    rate_hz: Annotated[int, Field(ge=16_000, le=96_000)] = 16_000
    """Samples a second of the files."""
    audio_format: Literal["wav", "flac"] = "wav"
    """Format of the files; both are 16 bit and lossless."""
    longest_s: Annotated[float, Field(ge=0.5, le=60)] = 10.0
    """No clip is longer than this, in seconds."""


Progress = Callable[[int, int], None]
"""``progress(done, total)`` in clips, called now and then from the process that called :func:`generate`."""


def generate(
    folder: Path | str,
    settings: DemoSettings | None = None,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Generate the data set into a folder, or finish one that was begun there.

    Args:
        folder: an empty or missing folder, or one that was begun with the same settings.
        settings: which data set; the default one if None.
        workers: processes to share the work; None is one a core, 1 stays in this process. More than one needs the usual
            ``if __name__ == "__main__":`` in a script of your own.
        progress: told how many clips are done.

    Raises:
        DataError: if the folder holds something else, or a file cannot be written.
        RunError: if a worker dies.
        SettingsError: if ``workers`` is less than one.
    """
    folder, settings = Path(folder), settings or DemoSettings()
    if workers is not None and workers < 1:
        raise SettingsError(f"workers must be at least 1, got {workers}; leave it out to use every core")
    clips = plan(settings)
    there = _claim(folder, settings)
    missing = [clip for clip in clips if f"{clip.part}/{clip.fname}" not in there]
    done = len(clips) - len(missing)
    if progress is not None:
        progress(done, len(clips))
    for n_made in _make_all(folder, settings, missing, workers or _n_workers(len(missing))):
        done += n_made
        if progress is not None:
            progress(done, len(clips))
    _write_tables(folder, clips, settings)


def plan(settings: DemoSettings) -> list[PlannedClip]:
    """Every clip that these settings stand for, with its contents, labels and truth, without making a sound."""
    chance = np.random.default_rng([settings.seed, PLAN])
    return draw_plan(settings.size, settings.longest_s, settings.audio_format, chance)


def render(clip: PlannedClip, settings: DemoSettings) -> Wave:
    """The wave ``[samples]`` of a planned clip, within ±1: its sources laid over one another, then recorded.

    The first source fills the clip but for a little silence; the others come in somewhere, up to 9 dB softer.
    """
    chance = np.random.default_rng([settings.seed, CLIP, clip.number])
    rate_hz, wave = settings.rate_hz, np.zeros(round(clip.seconds * settings.rate_hz))
    for order, name in enumerate(clip.sources):
        bucket = (int(clip.part == "test"), clip.group, crc32(name.encode()))
        instance = sounds()[name].draw(np.random.default_rng([settings.seed, INSTANCE, *bucket]))
        length_s = clip.seconds * chance.uniform(0.8, 1.0)
        if order:
            length_s = min(length_s, chance.uniform(*sounds()[name].span_s))
        n_samples = int(length_s * rate_hz)
        rendition = instance(n_samples, rate_hz, chance) * swell(n_samples, rate_hz, 0.003, 0.02)
        level = 10 ** (-chance.uniform(0, 9) / 20) if order else 1.0
        at_s = chance.uniform(0, clip.seconds - length_s)
        place(wave, rendition, at_s, rate_hz, level / (loudness(rendition, rate_hz) + 1e-12))
    return record(wave, SOUNDTRACK if clip.part == "train_noisy" else RECORDIST, rate_hz, chance)


def _claim(folder: Path, settings: DemoSettings) -> set[str]:
    """Make the folder ours, or see that it is, and say which clips are there: nobody else's files may be mixed in."""
    stamp = {"version": VERSION, **settings.model_dump()}
    path = folder / "demo.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = json.loads(path.read_text("utf-8")) if path.exists() else None
        if found is None and any(not file.name.endswith(PARTIAL) for file in folder.iterdir()):
            raise DataError(
                f"{folder} must be empty or missing, but it holds other files; choose another folder", folder
            )
    except (OSError, ValueError) as error:
        message = f"{folder} must be a folder for the generated clips, but it cannot be used ({error}); choose another"
        raise DataError(message, folder) from error
    if found not in (None, stamp):
        raise DataError(f"{folder} was begun with {found}, but {stamp} is wanted; choose another folder", folder)
    if found is None:
        write_bytes_atomically(path, json.dumps(stamp, indent=2).encode() + b"\n")
    for part in KINDS:
        (folder / part).mkdir(exist_ok=True)
    for litter in folder.rglob(f"*{PARTIAL}"):  # of a process that was killed
        litter.unlink()
    return {f"{part}/{file.name}" for part in KINDS for file in (folder / part).iterdir()}


def _n_workers(n_clips: int) -> int:
    """A process a core, but none for so little work that starting one would take longer."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return n_cores if n_clips > 200 else 1


def _make_all(folder: Path, settings: DemoSettings, clips: Sequence[PlannedClip], workers: int) -> Iterator[int]:
    """Make the clips and yield, chunk by chunk, how many are done."""
    chunks = [clips[start : start + CHUNK] for start in range(0, len(clips), CHUNK)]
    if workers == 1 or len(chunks) < 2:
        for chunk in chunks:
            yield _make(folder, settings, chunk)
        return
    # Spawned, not forked: a fork of a process in which torch has threads can hang.
    with ProcessPoolExecutor(min(workers, len(chunks)), get_context("spawn"), initializer=_follow_parent) as pool:
        try:
            futures = [pool.submit(_make, folder, settings, chunk) for chunk in chunks]
            for future in futures:
                yield future.result()
        except BrokenProcessPool as error:
            message = "a worker that was making clips died; run again to go on, with one worker if memory is short"
            raise RunError(message, folder) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _follow_parent() -> None:
    """Make a worker leave Control-C to its parent, and end when the parent is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent's end; an orphan would wait for work for ever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _make(folder: Path, settings: DemoSettings, clips: Iterable[PlannedClip]) -> int:
    """Make some clips, in this or in another process; how many."""
    n_made = 0
    for clip in clips:
        # Rounded here: libsndfile rounds differently for different formats.
        encoded, samples = io.BytesIO(), np.rint(render(clip, settings) * 32767).astype(np.int16)
        soundfile.write(encoded, samples, settings.rate_hz, "PCM_16", format=settings.audio_format.upper())
        write_bytes_atomically(folder / clip.part / clip.fname, encoded.getvalue())
        n_made += 1
    return n_made


def _write_tables(folder: Path, clips: Sequence[PlannedClip], settings: DemoSettings) -> None:
    """Write every table, sorted by file name."""
    clips = sorted(clips, key=lambda clip: clip.fname)
    parts = {part: [clip for clip in clips if clip.part == part] for part in KINDS}
    for part in ("train_curated", "train_noisy"):
        _write_table(folder / f"{part}.csv", "fname,labels", ((c.fname, ",".join(c.labels)) for c in parts[part]))
        answers = ((c.fname, ",".join(c.truth), c.kind) for c in parts[part])
        _write_table(folder / "truth" / f"{part}.csv", "fname,true_labels,kind", answers)
    public = {c.number for c in sorted(parts["test"], key=lambda c: c.number)[::4]}
    usage = ((c.fname, ",".join(c.labels), "Public" if c.number in public else "Private") for c in parts["test"])
    _write_table(folder / "test.csv", "fname,labels,usage", usage)
    names = vocabulary()
    _write_table(folder / "vocabulary.csv", "index,name", enumerate(names))
    zeros = ((c.fname, *[0] * len(names)) for c in parts["test"])
    _write_table(folder / "sample_submission.csv", ",".join(["fname", *names]), zeros)
    meta = (
        (c.fname, c.part, c.fold, f"{round(c.seconds * settings.rate_hz) / settings.rate_hz:.3f}", _group_name(c))
        for c in clips
    )
    _write_table(folder / "meta.csv", "fname,folder,fold,seconds,group", meta)
    write_bytes_atomically(folder / "README.txt", README.encode())


def _group_name(clip: PlannedClip) -> str:
    return f"{'test' if clip.part == 'test' else 'train'}-{clip.group}"


def _write_table(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    """Write one csv table with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    write_bytes_atomically(path, text.getvalue().encode())
