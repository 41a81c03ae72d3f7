"""A league whose processes are functions: what they leave is as good as they are told to be."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.league.line import Line
from bench.league.place import Place
from bench.league.running import League
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions, pooled
from earmark.core.yaml_text import parse
from earmark.data.tables import write_predictions
from earmark.runs.folder import RunFolder

Do = Callable[[], int]


@dataclass
class Workshop:
    """Stands for processes: remembers what it was asked, and leaves what ``earmark`` would leave."""

    manifest: Manifest
    skill: dict[str, float] = field(default_factory=dict)
    """How far the right labels stand out, by stage; 1 is hard to miss."""
    s_an_epoch: float = 2.0
    instead: dict[str, Do] = field(default_factory=dict)
    """What happens instead, by line."""
    asked: list[list[str]] = field(default_factory=list)
    measures: bool = True
    """Whether models are as good as measured; else the league does that."""

    def __call__(self, command: Sequence[str], log: Path) -> int:
        self.asked.append(list(command))
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as said:
            said.write("epoch 1/1\nearmark: the disk is full: free some space and run the same command again\n")
        if log.stem in self.instead:
            return self.instead[log.stem]()
        out = Path(option(command, "--out"))
        if command[3] == "train":
            recipe = parse(Path(command[4]).read_text())
            self.training(out, log.stem, option(command, "--fold"), recipe)
            return 0
        outline = OUTLINES[command[4]] if command[3] == "reproduce" else STUDENT
        rows = []
        for stage, does, reads in outline:
            folder = f"{stage}-0a1b2c3d"
            rows.append({"stage": stage, "does": does, "reads": list(reads), "folder": folder})
            if does.startswith("train"):
                self.training(out / folder, stage, option(command, "--fold", "each"), {"seed": 1})
            if does.startswith("blend"):
                self.tables(out / folder, stage, self.folds, None)
        RunFolder(out).write_json("sequence.json", {"stages": rows})
        return 0

    @property
    def folds(self) -> list[int]:
        curated = self.manifest.where(part="train", origin="curated").clips
        return sorted(set(curated["fold"].to_list()))

    def training(self, out: Path, name: str, fold: str, recipe: Any) -> None:
        """A run a fold, or one."""
        runs = {n: RunFolder(out / f"fold-{n}") for n in self.folds} if fold == "each" else {fold: RunFolder(out)}
        for number, run in runs.items():
            run.write_json("run.json", {"fingerprint": "a", "finished": True})
            (run.path / "recipe.yaml").write_text(json.dumps(recipe))
            n_epochs = recipe.get("training", {}).get("epochs", 3)
            run.write_log([{"epoch": n, "seconds": self.s_an_epoch} for n in range(1, n_epochs + 1)])
            self.tables(run.path, name, [] if number == "none" else [int(number)], number)
        if self.measures:
            RunFolder(out).write_json("measured.json", {"parameters": 1000, "s_a_clip": 0.05})
        if fold == "each":
            parts = [RunFolder(out / f"fold-{n}").predictions("held_out") for n in self.folds]
            write_predictions(pooled([read(place) for place in parts]), RunFolder(out).predictions("held_out"))

    def tables(self, out: Path, name: str, folds: Sequence[int], seed: object) -> None:
        """What a model says of the folds that it held out and of the test part."""
        if folds:
            held_out = self.manifest.where(pl.col("fold").is_in(folds), part="train", origin="curated")
            write_predictions(self.said(held_out, name, seed), RunFolder(out).predictions("held_out"))
        write_predictions(self.said(self.manifest.where(part="test"), name, seed), RunFolder(out).predictions("test"))

    def said(self, clips: Manifest, name: str, seed: object) -> Predictions:
        chance = np.random.default_rng(sum(map(ord, f"{name} {seed}")))
        values = self.manifest.targets(clips.ids).values
        scores = chance.standard_normal(values.shape) + 4 * self.skill.get(name, 0.3) * values
        folds = np.array(clips.clips["fold"].fill_null(-1).to_list())
        return Predictions(tuple(clips.ids), self.manifest.classes, scores, folds=folds if (folds >= 0).all() else None)


OUTLINES: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {
    "rftexas": [
        ("baseline", "train", ()),
        ("noisy", "train", ()),
        ("transfer", "train (begins with noisy)", ("noisy",)),
        ("guess", "guess of noisy clips by baseline", ("baseline",)),
        ("pseudo-labels", "train (guesses of guess)", ("guess",)),
        ("ensemble", "blend baseline, transfer, pseudo-labels (arithmetic)", ("baseline", "transfer", "pseudo-labels")),
    ],
    "schoneveld": [("net", "train", ())],
}
STUDENT = [("teacher", "blend net (arithmetic)", ()), ("student", "train (guesses of teacher)", ())]


def option(command: Sequence[str], name: str, otherwise: str = "") -> str:
    """What follows a name on a command line."""
    return command[command.index(name) + 1] if name in command else otherwise


def read(place: Path) -> Predictions:
    from earmark.data.tables import read_predictions

    return read_predictions(place)


def league_of(place: Place, lines: Sequence[Line], execute: Any, told: list[str] | None = None) -> League:
    """A league of these lines."""
    return League(place, {line.name: line for line in lines}, execute, [].append if told is None else told.append)
