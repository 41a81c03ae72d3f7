"""A run's folder: what lies where, and whose it is.

    recipe.yaml                what was run, every default resolved
    run.json                   fingerprint, data, store, fold, whether it is finished
    command.txt                the command line that started it
    environment.json           what it ran on; with the commit, where earmark runs from a git checkout
    classes.json               the number of each class: its column in every table of scores
    learnt.json                the classes, every clip that its weights have learnt from, and what came from elsewhere
    log.jsonl                  one line an epoch
    summaries/                 the same for TensorBoard, where training.summaries is set
    quarantine.csv             what could not be used, and why
    checkpoints/last.safetensors   to go on training
    checkpoints/best.safetensors   the epoch with the best held-out score, where one is held out
    tagger.safetensors         to use
    snapshots/epoch-0064.safetensors   a tagger for the end of each cycle, where snapshots are kept
    predictions/held_out.parquet, predictions/test.parquet
    predictions/held_out-NAME.parquet   the same clips heard in another way (earmark predict --part held_out --as NAME)
    predictions/held_out-epoch-0064.parquet, held_out-NAME-epoch-0064.parquet   what snapshots say; see table_names.py
    chosen.json                what earmark choose chose among these
    scores.json
    report.html
    run.lock                   held while somebody works on it

A folder belongs to one fingerprint. The same command goes on with it; another one is refused, with what differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from earmark.core.errors import RunError
from earmark.core.files import PARTIAL, write_text_atomically
from earmark.core.fingerprint import differences
from earmark.core.yaml_text import dump, parse
from earmark.runs.table_names import TableName

_LOCK = "run.lock"


@dataclass(frozen=True)
class RunFolder:
    """The paths in a run's folder, and the small texts among them."""

    path: Path

    @property
    def last(self) -> Path:
        """The checkpoint to go on from."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def best(self) -> Path:
        """The checkpoint with the best held-out score, kept where early stopping is on."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def tagger(self) -> Path:
        """The tagger that the run leaves."""
        return self.path / "tagger.safetensors"

    def snapshot(self, epoch: int) -> Path:
        """The tagger as it was after an epoch at which a cycle ended."""
        return self.path / "snapshots" / f"epoch-{epoch:04d}.safetensors"

    @property
    def snapshots(self) -> dict[int, Path]:
        """The snapshots that are there, by epoch and in order."""
        found = (self.path / "snapshots").glob("epoch-*.safetensors")
        return dict(sorted((int(place.stem.removeprefix("epoch-")), place) for place in found))

    @property
    def report(self) -> Path:
        """The page that tells it all."""
        return self.path / "report.html"

    def predictions(self, name: str | TableName) -> Path:
        """The scores of a part, ``held_out`` or ``test``, or those of another name."""
        return self.path / "predictions" / f"{name}.parquet"

    def tables(self, part: str) -> dict[TableName, Path]:
        """All scores of a part that are there: in every way of hearing, by last weights and snapshots; in order."""
        places = (self.path / "predictions").glob(f"{part}*.parquet")
        named = ((name, place) for place in places if (name := TableName.read(place.stem)) and name.part == part)
        return dict(sorted(named, key=lambda each: (each[0].way, -1 if each[0].epoch is None else each[0].epoch)))

    def claim(self, fingerprint: str, recipe: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Make the folder this run's, or go on with it; true if it was there already.

        Raises:
            RunError: the folder belongs to a run with another fingerprint, or holds something else.
        """
        held = self.facts()
        other = bool(held) and held["fingerprint"] != fingerprint
        if other and (self.last.is_file() or held.get("finished")):
            raise RunError(self._mismatch(recipe, facts, held), self.path)
        if not held and self.path.is_dir() and not all(_is_ours(place) for place in self.path.iterdir()):
            raise RunError(f"'{self.path}' holds files but no run; name an empty or a new folder", self.path)
        if other:  # a run that never finished an epoch: nothing is lost, and a mistyped option costs no name
            for place in (self._recipe, *self.snapshots.values()):
                place.unlink(missing_ok=True)
        if other or not held:
            self.note({"fingerprint": fingerprint, "finished": False, **facts})
        # The facts come first: they say whose folder it is, should the work be killed between the two.
        if not self._recipe.is_file():
            write_text_atomically(self._recipe, dump(dict(recipe)))
        return bool(held) and not other

    @property
    def _recipe(self) -> Path:
        return self.path / "recipe.yaml"

    def _mismatch(self, recipe: Mapping[str, Any], facts: Mapping[str, Any], held: Mapping[str, Any]) -> str:
        other = parse(self._recipe.read_text(encoding="utf-8")) if self._recipe.is_file() else dict(recipe)
        changed = [f"{path} ({was!r} there, {now!r} now)" for path, was, now in differences(other, dict(recipe))]
        changed += [f"{k} ({held.get(k)!r} there, {v!r} now)" for k, v in facts.items() if held.get(k) != v]
        what = ", ".join(changed[:4]) or "its clips, labels, audio or arithmetic have changed since"
        return f"run '{self.path}' was made with other settings: {what}; name another folder with --out"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from working on this run; the system lets go of the lock when its holder dies.

        Raises:
            RunError: somebody else is at work on it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.path / _LOCK, timeout=0)
        try:
            with lock:
                for left_behind in self.path.rglob(f".*{PARTIAL}"):
                    left_behind.unlink()
                yield
                if not (self.path / "run.json").is_file():  # somebody else's folder after all: leave nothing in it
                    (self.path / _LOCK).unlink(missing_ok=True)
        except filelock.Timeout:
            raise RunError(
                f"another process is at work on run '{self.path}'; wait until it is done, or end it", self.path
            ) from None

    def facts(self) -> dict[str, Any]:
        """What ``run.json`` says; empty where there is no run."""
        place = self.path / "run.json"
        if not place.is_file():
            return {}
        try:
            facts = json.loads(place.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError(f"'{place}' is damaged ({error}); name another folder with --out", place) from None
        if not isinstance(facts, dict) or "fingerprint" not in facts:
            raise RunError(f"'{place}' does not say whose run it is; name another folder with --out", place)
        return facts

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add facts to ``run.json``."""
        self.write_json("run.json", self.facts() | dict(facts))

    def write_json(self, name: str, value: Any) -> None:
        """Write a small JSON file, whole or not at all."""
        write_text_atomically(self.path / name, json.dumps(value, indent=1, default=str) + "\n")

    def read_json(self, name: str) -> Any:
        """Read a small JSON file; none where there is none."""
        place = self.path / name
        if not place.is_file():
            return None
        try:
            return json.loads(place.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError(f"'{place}' is damaged ({error}); remove it and run again", place) from None

    def write_log(self, history: Iterable[Mapping[str, Any]]) -> None:
        """Write the log anew, one line an epoch, so that it always agrees with the checkpoint."""
        write_text_atomically(self.path / "log.jsonl", "".join(json.dumps(row) + "\n" for row in history))

    def log(self) -> list[dict[str, Any]]:
        """The log as rows.

        Raises:
            RunError: a line is damaged.
        """
        place = self.path / "log.jsonl"
        rows = []
        for number, line in enumerate(place.read_bytes().splitlines() if place.is_file() else [], start=1):
            try:
                rows += [json.loads(line)] if line else []
            except ValueError:
                raise RunError(
                    f"line {number} of '{place}' is damaged; remove that line and run again", place
                ) from None
        return rows


def _is_ours(place: Path) -> bool:
    """Whether a claim that was killed leaves this."""
    return place.name == "run.lock" or place.suffix == PARTIAL
