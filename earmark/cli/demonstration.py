"""What ``earmark demo`` does: the whole arc, each step by the stage that the other commands use."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from earmark.cli.cleaning import clean_labels
from earmark.cli.console import Console
from earmark.cli.predicting import predict_noisy
from earmark.cli.scoring import score_predictions
from earmark.cli.tagging import tag_sounds
from earmark.cli.work import train_runs
from earmark.core.manifest import Manifest
from earmark.core.settings import read
from earmark.data.tables import read_manifest
from earmark.demo.dataset import DemoSettings, generate
from earmark.runs.folder import RunFolder

_RECIPE, _FOLD, _RULE = "demo", "0", "combined"
_AGAIN = (
    "streams.curated.origins={curated: 1, noisy: 1}",
    "training.epochs=8",
    "training.optimizer.lr=0.0015",
)
"""Half of every batch is cleaned, at half the learning rate, for it goes on from what was learnt before."""


class Step(NamedTuple):
    """One step of the demonstration."""

    title: str
    command: str
    """What to type for the same."""
    do: Callable[[], int]
    """Does it; an exit code."""


class Demo(NamedTuple):
    """Where things lie, and how it is trained."""

    folder: Path
    settings: DemoSettings
    changes: list[str]
    console: Console

    @property
    def sounds(self) -> Path:
        """The generated data set."""
        return self.folder / "sounds"

    @property
    def run(self) -> Path:
        """The run that learnt from trusted labels alone."""
        return self.folder / "run"

    @property
    def cleaned(self) -> Path:
        """The data set with verdicts on its noisy labels."""
        return self.folder / "cleaned"

    @property
    def again(self) -> Path:
        """The run that learnt from the cleaned labels as well."""
        return self.folder / "again"

    def steps(self) -> Iterator[Step]:
        """Generate, train, guess, clean, judge, train again, compare, tag."""
        yield self._generated()
        yield self._trained("training on the trusted labels", self.sounds, self.run, self.changes)
        guess = _command("predict", self.run, "--embed")
        yield Step(
            "what it thinks of the noisy clips",
            guess,
            lambda: predict_noisy(
                self.run, data=None, store=None, embed=True, snapshots=False, device="auto", console=self.console
            ),
        )
        yield self._cleaned()
        answers = self.sounds / "truth" / "train_noisy.csv"
        yield self._scored("how many of the planted errors were found", self.cleaned, answers, None)
        told = self.run
        if len(_to_learn_from(read_manifest(self.cleaned))):
            told = self.again
            yield self._trained("going on with the cleaned labels", self.cleaned, told, self._again_changes)
            before, after = (RunFolder(run).predictions("test") for run in (self.run, self.again))
            yield self._scored("what that was worth", before, self.sounds / "test.csv", after)
        yield self._tagged(told)

    @property
    def _again_changes(self) -> list[str]:
        start = f"model.start={{weights: {json.dumps(str(self.run))}, heads: keep}}"
        return [start, *_AGAIN, *self.changes]

    def _generated(self) -> Step:
        size, seed = f"{self.settings.size:g}", self.settings.seed
        by_hand = _command("demo", self.folder, "--data-only", "--size", size, "--seed", seed)
        return Step("sounds, some of them labelled wrongly", by_hand, self._generate)

    def _generate(self) -> int:
        generate(self.sounds, self.settings, progress=lambda done, n: self.console.count(done, n, "generate"))
        return 0

    def _trained(self, title: str, data: Path, out: Path, changes: list[str]) -> Step:
        store = self.folder / "store"
        told = [word for change in changes for word in ("-s", change)]
        by_hand = _command("train", _RECIPE, "--data", data, "--out", out, "--store", store, "--fold", _FOLD, *told)
        return Step(title, by_hand, lambda: train_runs(_RECIPE, data, out, _FOLD, changes, store, self.console))

    def _cleaned(self) -> Step:
        run, out = self.run, self.cleaned
        return Step(
            "cleaning",
            _command("clean", self.sounds, "--predictions", run, "--embeddings", run, "--out", out),
            lambda: clean_labels(self.sounds, [run], [run], _RULE, [], out, False, self.console),
        )

    def _scored(self, title: str, what: Path, truth: Path, against: Path | None) -> Step:
        other = () if against is None else ("--against", against)
        return Step(
            title,
            _command("score", what, "--truth", truth, *other),
            lambda: score_predictions(what, truth, against, "reference", False, 2000, False),
        )

    def _tagged(self, run: Path) -> Step:
        sounds, tags = self.sounds / "test", self.folder / "tags.csv"
        return Step(
            "tags",
            _command("tag", run, sounds, "--out", tags, "--top", 3),
            lambda: tag_sounds(run, [sounds], tags, 3, 0.0, False, None, "auto", self.console),
        )


def run_demo(folder: Path, size: float, seed: int, data_only: bool, changes: list[str], console: Console) -> int:
    """Do every step; each says the command that does the same by hand."""
    settings = read(DemoSettings, {"size": size, "seed": seed}, what="earmark demo")
    demo = Demo(folder, settings, changes, console)
    code = 0
    for number, step in enumerate(demo.steps(), start=1):
        console.say(f"{'' if number == 1 else chr(10)}{number}. {step.title}: {step.command}")
        code = step.do() or code
        if data_only:
            console.say(f"   generated in '{demo.sounds}'")
            return code
    pages = [place / "report.html" for place in (demo.run, demo.cleaned, demo.again)]
    console.say("\nto look at: " + ", ".join(f"'{page}'" for page in pages if page.is_file()))
    return code


def _to_learn_from(manifest: Manifest) -> Manifest:
    """The noisy clips that are left, but for those of the fold that is held out."""
    elsewhere = pl.col("fold").is_null() | (pl.col("fold") != int(_FOLD))
    return manifest.where(elsewhere, part="train", origin="noisy")


def _command(*words: object) -> str:
    """What to type, fit to be copied."""
    return shlex.join(["earmark", *map(str, words)])
