"""Tagging files and folders: any number of files of any length, bad ones quarantined, interrupted work resumed.

What was heard is written to a journal file by file, so that the same command goes on where it was. The journal
belongs to the tagger and the way of cutting; a file that has changed since is heard again.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.core.errors import DataError, RunError, SettingsError
from earmark.core.fingerprint import fingerprint
from earmark.data.as_packed import blocks_as_packed
from earmark.data.audio import BadAudio
from earmark.data.decoding import probe
from earmark.data.prefetch import prefetch
from earmark.inference.listening import Stretch, stretch_name
from earmark.inference.tagger import Tagger
from earmark.stages.show import Show

_FILES_AT_ONCE = 8
_STREAMED_FROM_S = 60.0
"""Longer files are heard piece by piece, one at a time; shorter ones wait in memory, some dozens of them at most."""


@dataclass(frozen=True)
class Heard:
    """The logits of one file, or of one part of it."""

    file: str
    start_s: float
    end_s: float | None
    logits: NDArray[np.float32]


@dataclass(frozen=True)
class Bad:
    """A file that could not be heard, and why."""

    file: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Tagged:
    """What came of tagging."""

    heard: tuple[Heard, ...]
    bad: tuple[Bad, ...]
    n_from_before: int


def tag(
    tagger: Tagger,
    files: Sequence[tuple[str, Path]],
    show: Show,
    *,
    every_s: float | None = None,
    journal: Path | None = None,
    workers: int = 1,
) -> Tagged:
    """Hear every file.

    Args:
        files: names as they shall appear, with where the files are.
        every_s: give one row for each stretch of this many seconds; none gives one row a file.
        journal: where to note what was heard, and go on from; none notes nothing.

    Raises:
        RunError: the journal is of another tagger or another way of cutting.
        SettingsError: a stretch without a length.
    """
    if every_s is not None and not (math.isfinite(every_s) and every_s * tagger.settings.rate_hz >= 1):
        raise SettingsError(
            f"--every must be a number of seconds above 0, got {every_s:g}; leave it away for one row a file"
        )
    stretch = sys.maxsize if every_s is None else round(every_s * tagger.settings.rate_hz)
    notes = _Journal(journal, fingerprint(tagger.settings, every_s, _weights_name(tagger))) if journal else None
    done = notes.read(show) if notes else {}
    stamps = {name: _stamp(path) for name, path in files}
    due = [(name, path) for name, path in files if done.get(name, {}).get("stamp") != stamps[name]]
    entries = {name: entry for name, entry in done.items() if entry["stamp"] == stamps.get(name)}
    n_from_before = len(entries)
    groups = [due[i : i + _FILES_AT_ONCE] for i in range(0, len(due), _FILES_AT_ONCE)]

    def decode(number: int) -> list[_Decoded]:
        return [_decode(tagger, name, path) for name, path in groups[number]]

    shown = iter(show.track(range(len(due)), len(due), "tag"))
    for decoded in prefetch(decode, range(len(groups)), ahead=1, workers=workers):
        for name, entry in _hear(tagger, decoded, stretch):
            entries[name] = {"file": name, "stamp": stamps[name], **entry}
            if notes:
                notes.add(entries[name])
            next(shown, None)
    next(shown, None)
    in_order = [entries[name] for name, _ in files]
    heard = [
        Heard(entry["file"], start, end, np.array(row, np.float32))
        for entry in in_order
        for start, end, row in entry.get("rows", [])
    ]
    bad = [Bad(entry["file"], *entry["bad"]) for entry in in_order if "bad" in entry]
    return Tagged(tuple(heard), tuple(bad), n_from_before)


@dataclass(frozen=True)
class _Decoded:
    name: str
    path: Path
    wave: NDArray[np.float32] | None
    """None: too long to hold; to be streamed."""
    bad: tuple[str, str] | None = None


def _decode(tagger: Tagger, name: str, path: Path) -> _Decoded:
    nothing = np.zeros(0, np.float32)
    try:
        if probe(path).seconds > _STREAMED_FROM_S:
            return _Decoded(name, path, None)
        wave = np.concatenate([nothing, *blocks_as_packed(path, tagger.settings.pack)])
    except BadAudio as bad:
        return _Decoded(name, path, nothing, (bad.reason, bad.detail))
    except OSError as error:
        return _Decoded(name, path, nothing, ("missing", str(error)))
    return _Decoded(name, path, wave, None if len(wave) else ("zero_frames", "it holds no samples"))


def _hear(tagger: Tagger, decoded: list[_Decoded], stretch_samples: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The journal's entry for each file: short ones together, long ones in a stream."""
    short = {each.name: each.wave for each in decoded if each.bad is None and each.wave is not None}
    try:
        entries = _together(tagger, short, stretch_samples)
    except DataError:  # one of them is at fault; by itself each says for itself
        entries = {name: _alone(tagger, name, wave, stretch_samples) for name, wave in short.items()}
    yield from entries.items()
    for each in decoded:
        if each.bad is not None:
            yield each.name, {"bad": each.bad}
        elif each.wave is None:
            yield each.name, _streamed(tagger, each.name, each.path, stretch_samples)


def _together(tagger: Tagger, waves: dict[str, NDArray[np.float32]], stretch_samples: int) -> dict[str, dict[str, Any]]:
    parts = {
        name: [wave[start : start + stretch_samples] for start in range(0, len(wave), stretch_samples)]
        for name, wave in waves.items()
    }
    names = [stretch_name(name, number) for name, cut in parts.items() for number in range(len(cut))]
    logits = iter(tagger.clip_logits([part for cut in parts.values() for part in cut], names))
    return {name: _entry_of(tagger, [Stretch(len(part), next(logits)) for part in cut]) for name, cut in parts.items()}


def _alone(tagger: Tagger, name: str, wave: NDArray[np.float32], stretch_samples: int) -> dict[str, Any]:
    try:
        return _together(tagger, {name: wave}, stretch_samples)[name]
    except DataError as error:
        return {"bad": ("not_finite", str(error))}


def _streamed(tagger: Tagger, name: str, path: Path, stretch_samples: int) -> dict[str, Any]:
    """The entry of one file, heard about a window at a time."""
    try:
        heard = tagger.file_stretches(path, name, stretch_samples)
    except BadAudio as bad:
        return {"bad": (bad.reason, bad.detail)}
    except DataError as error:
        return {"bad": ("not_finite", str(error))}
    return _entry_of(tagger, heard) if heard else {"bad": ("zero_frames", "it holds no samples")}


def _entry_of(tagger: Tagger, heard: Sequence[Stretch]) -> dict[str, Any]:
    """Start, end and logits of each stretch."""
    ends_s = np.cumsum([stretch.n_samples for stretch in heard]) / tagger.settings.rate_hz
    starts_s = [0.0, *ends_s[:-1].tolist()]
    spans = zip(starts_s, ends_s.tolist(), heard, strict=True)
    return {"rows": [(start_s, end_s, stretch.logits.tolist()) for start_s, end_s, stretch in spans]}


_HEAD = b'{"journal": "'
"""How every journal begins."""


class _Journal:
    """Lines of JSON, the first of which says whose they are."""

    def __init__(self, path: Path, owner: str) -> None:
        self.path, self.owner = path, owner

    def read(self, show: Show) -> dict[str, dict[str, Any]]:
        """What was noted; a last line that was cut off by a kill is forgotten, and so is what is damaged."""
        content = self.path.read_bytes() if self.path.is_file() else b""
        if b"\n" not in content and content[: len(_HEAD)] == _HEAD[: len(content)]:  # stopped before it said anything
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
            self._append(json.dumps({"journal": self.owner}))
            return {}
        first, *lines = content.split(b"\n")
        try:
            owner = json.loads(first)["journal"]
        except (ValueError, KeyError, TypeError):
            raise RunError(
                f"'{self.path}' is not a journal of earmark; move it away, or name another --out", self.path
            ) from None
        if owner != self.owner:
            raise RunError(
                f"'{self.path}' was begun with another tagger or other options; finish it with those, or delete it",
                self.path,
            )
        if lines and lines[-1]:  # no newline at its end: written halfway
            with self.path.open("r+b") as file:
                file.truncate(len(content) - len(lines[-1]))
        entries = [_entry(line) for line in lines[:-1]]
        if None in entries:
            show.say(
                f"{entries.count(None)} damaged lines of '{self.path}' are passed over; their files are heard again"
            )
        return {entry["file"]: entry for entry in entries if entry is not None}

    def add(self, entry: dict[str, Any]) -> None:
        """Note one file."""
        self._append(json.dumps(entry))

    def _append(self, line: str) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise DataError(
                f"the journal '{self.path}' cannot be written ({error.strerror}); free some space and run again",
                self.path,
            ) from None


def _entry(line: bytes) -> dict[str, Any] | None:
    """What a line of a journal notes; none if it is damaged."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(entry, dict) and {"file", "stamp"} <= entry.keys() and ("rows" in entry or "bad" in entry)
    return entry if whole else None


def _stamp(path: Path) -> list[int]:
    try:
        found = path.stat()
    except OSError:
        return [-1, -1]
    return [found.st_size, found.st_mtime_ns]


def _weights_name(tagger: Tagger) -> str:
    """A short name of the weights: two taggers of one recipe are not the same tagger."""
    import hashlib

    name = hashlib.sha256()
    for value in tagger.network.state_dict().values():
        name.update(value.detach().cpu().contiguous().numpy().tobytes())
    return name.hexdigest()[:16]
