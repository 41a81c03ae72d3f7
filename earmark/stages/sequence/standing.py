"""What of a sequence stands where and in which state: ``sequence.json``, for users, reports and the next go.

The file is written anew, whole or not at all, whenever a stage begins or ends. ``stages`` are those of the plan in
their order; ``former`` those that were begun or finished for other settings, whose folders are still there. A stage is
``waiting``, ``begun`` (somebody works on it, or was interrupted) or ``finished``. Should the file be lost, nothing else
is: every stage finds by itself what it has done.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from earmark.core.errors import RunError
from earmark.core.files import write_text_atomically

FILE = "sequence.json"
WAITING, BEGUN, FINISHED = "waiting", "begun", "finished"
_OURS = (FILE, "sequence.lock")


class Standing:
    """The state of every stage."""

    def __init__(self, path: Path, facts: dict[str, Any], rows: list[dict[str, Any]], known: dict[str, Any]) -> None:
        self.path, self.facts, self.rows = path, facts, rows
        self._known = known
        """Every row that has a folder, by its name."""

    @classmethod
    def open(cls, out: Path, name: str, facts: dict[str, Any], outline: list[dict[str, Any]]) -> Standing:
        """Find out what stands in a folder.

        Raises:
            RunError: it belongs to another sequence, or holds something else.
        """
        held = read(out)
        if held.get("sequence", name) != name:
            raise RunError(
                f"'{out}' holds the stages of sequence '{held.get('sequence')}', not of '{name}'; name another folder "
                "with --out",
                out,
            )
        if not (out / FILE).is_file() and any(place.name not in _OURS for place in out.iterdir()):
            raise RunError(f"'{out}' holds files but no sequence; name an empty or a new folder", out)
        before = [*held.get("stages", []), *held.get("former", [])]
        known = {row["folder"]: row for row in before if row.get("folder")}
        rows = [{**row, "state": WAITING} for row in outline]
        standing = cls(out / FILE, {"sequence": name, **facts}, rows, known)
        standing._write()
        return standing

    def place(self, name: str, folder: str, fingerprint: str) -> dict[str, Any]:
        """Give a stage its folder; what is known of it under this fingerprint holds."""
        row = self._row(name)
        known = self._known.get(folder, {})
        if known.get("fingerprint") == fingerprint:
            row.update({key: known[key] for key in ("state", "result", "seconds", "scores") if key in known})
        row.update({"folder": folder, "fingerprint": fingerprint})
        self._known[folder] = row
        self._write()
        return row

    def former(self, name: str) -> str | None:
        """The folder in which this stage was finished for other settings; the latest of them."""
        mine = self._row(name)
        found = [
            row["folder"]
            for row in self._known.values()
            if row["stage"] == name and row is not mine and row["state"] == FINISHED
        ]
        return found[-1] if found else None

    def begin(self, name: str) -> None:
        """Note that somebody works on a stage."""
        self._row(name).update({"state": BEGUN})
        self._write()

    def finish(self, name: str, result: str, seconds: float, scores: list[Any]) -> None:
        """Note what a stage has left."""
        self._row(name).update({"state": FINISHED, "result": result, "seconds": seconds, "scores": scores})
        self._write()

    def result(self, name: str) -> str:
        """Names the content of what a stage left."""
        return str(self._row(name)["result"])

    def _row(self, name: str) -> dict[str, Any]:
        return next(row for row in self.rows if row["stage"] == name)

    def _write(self) -> None:
        mine = {row.get("folder") for row in self.rows}
        former = [row for folder, row in self._known.items() if folder not in mine]
        text = json.dumps({**self.facts, "stages": self.rows, "former": former}, indent=1)
        write_text_atomically(self.path, text + "\n")


def read(out: Path) -> dict[str, Any]:
    """What ``sequence.json`` in a folder says; empty where there is none.

    Raises:
        RunError: it is damaged.
    """
    place = out / FILE
    if not place.is_file():
        return {}
    try:
        held = json.loads(place.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(
            f"'{place}' is damaged ({error}); write {{}} into it and run again: stages find what they have done", place
        ) from None
    return held if isinstance(held, dict) else {}
