"""Where a league takes from and leaves, and by which rules it is played.

OUT/league.json          the rules; a folder belongs to one league
OUT/lines/NAME.json      what became of a line: finished or failed, with its stages
OUT/paces/NAME.json      seconds an epoch of each of its trainings, and the share of its epochs that follows
OUT/logs/NAME.log        what its processes said
OUT/recipes/NAME.yaml    the recipe that it trained, where it is one
OUT/NAME/                its runs
OUT/stores/              decoded audio, shared by all
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from bench.league.line import Line, Scale
from earmark.core.errors import DataError, RunError
from earmark.core.fingerprint import fingerprint
from earmark.data.pack_settings import PackSettings
from earmark.runs.folder import RunFolder
from earmark.stages.fold_choice import EACH

ROOT = Path(__file__).resolve().parents[2]
REAL = "fsdmini"
"""The data set that the league is played on unless somebody names another."""
BUDGET_S = 180.0


class Place(NamedTuple):
    """A league in its folder."""

    data: Path
    out: Path
    budget_s: float
    """Seconds of training for each model and fold: of one core, or of the GPU."""
    fold: str
    """What is held out: each fold in turn, or the number of one."""
    gpu: bool

    @classmethod
    def of(
        cls, data: Path, out: Path, budget_s: float | None, fold: str | None, gpu: bool, *, as_played: bool = False
    ) -> Place:
        """A place by the rules that were asked for; where nothing was, by those of its folder, else by the usual ones.

        Args:
            as_played: take the device of the folder: what ran on a GPU is written down anywhere.
        """
        held = RunFolder(out).read_json("league.json") or {}
        usual = {"budget_s": BUDGET_S, "fold": EACH, "device": "gpu" if gpu else "processor"} | held
        gpu = usual["device"] == "gpu" if as_played else gpu
        return cls(data, out, budget_s or usual["budget_s"], fold or usual["fold"], gpu)

    def claim(self) -> None:
        """Note the rules, or see that they are those of this folder.

        Raises:
            RunError: it belongs to a league with other rules.
        """
        rules = {
            "data": self.data.resolve().name,
            "budget_s": self.budget_s,
            "fold": self.fold,
            "device": "gpu" if self.gpu else "processor",
        }
        held = self.read("league.json")
        if held is None:
            self.write("league.json", rules)
            return
        for name, value in rules.items():
            if held.get(name) != value:
                raise RunError(
                    f"'{self.out}' holds a league with {name} {held.get(name)!r}, but {value!r} was asked for; name "
                    "another folder with --out",
                    self.out,
                )

    def scale(self, line: Line) -> Scale:
        """How small a line is here."""
        return Scale() if self.gpu else line.scale

    def folder(self, line: Line) -> Path:
        """Where the runs of a line lie."""
        return self.out / line.folder

    def store(self, packs: frozenset[PackSettings]) -> Path:
        """Where the audio is packed for recipes that pack so; with several ways, the folder of their stores."""
        stores = self.out / "stores"
        return stores / fingerprint(next(iter(packs)))[:8] if len(packs) == 1 else stores

    def read(self, name: str) -> Any:
        """A small file; none where there is none."""
        return RunFolder(self.out).read_json(name)

    def write(self, name: str, value: Any) -> None:
        """Put a small file in its place, whole or not at all."""
        RunFolder(self.out).write_json(name, value)


def data_folder(named: Path | None) -> Path:
    """The data folder that was named, or the real recordings that lie beside the project.

    Raises:
        DataError: it is not there.
    """
    if named is not None:
        if not named.is_dir():
            raise DataError(f"there is no data folder '{named}'; check its spelling", named)
        return named
    shared = Path(os.environ.get("EARMARK_SHARED") or ROOT.parent / "shared" / "data")
    if not (shared / REAL).is_dir():
        raise DataError(
            f"the league needs recordings, and '{shared / REAL}' is not there; point EARMARK_SHARED at the folder that "
            "holds fsdmini, or name any data folder with curated and noisy clips: make league DATA=demo/sounds, which "
            "earmark demo generates",
            shared,
        )
    return shared / REAL
