"""One training of an arm: where it lies, what must be there before it, and the process that it is.

Every fit is one ``earmark train`` in a process of its own, so that its memory and time are its own. What is finished is
kept, what was interrupted goes on.

Where the budget of a study is time, an arm trains for as many epochs as its pace allows. The pace is measured once, in
time of the processor, by trainings of a few epochs that are thrown away, and kept in ``paces``, one for all arms with
the same recipe and changes: what a fit learns then depends on what stands there, and not on what else the machine
does. Only training counts, not starting and predicting. One thread a fit (``OMP_NUM_THREADS=1``): threads that wait
for one another use time as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from bench.studies.arm import TRUTH, Arm
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest
from earmark.data.tables import write_manifest
from earmark.runs.folder import RunFolder
from earmark.stages.judging import heard_in, read_answers
from earmark.stages.prepare import read_manifest

_TRIED_EPOCHS = (1, 1, 6)
"""The first is thrown away: it may have to decode audio, or to wait for another process that does."""


class Fit(NamedTuple):
    """One training."""

    arm: Arm
    fold: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm.name} fold {self.fold} seed {self.seed}"

    @property
    def before(self) -> Fit | None:
        """What it begins with or learns from."""
        return self._replace(arm=self.arm.before) if self.arm.before else None

    @property
    def guesses(self) -> bool:
        """Whether what was learnt before is asked about noisy clips."""
        return self.arm.guesses or bool(self.arm.rule)

    def run(self, out: Path) -> RunFolder:
        """Where it lies."""
        seed = "" if self.seed == 1 else f"-seed-{self.seed}"
        return RunFolder(out / self.arm.folder / f"fold-{self.fold}{seed}")

    def data(self, place: Place) -> Path:
        """The data that it learns from: those of the study, some of them, or what a rule left of them."""
        run = self.run(place.out).path
        return run.with_name(f"{run.name}-cleaned") if self.arm.rule else self.given(place)

    def given(self, place: Place) -> Path:
        """What there is before any rule."""
        return place.data if self.arm.every == 1 else place.out / f"every-{self.arm.every}" / f"fold-{self.fold}"

    def is_finished(self, out: Path) -> bool:
        """Whether there is nothing left to do."""
        return bool(self.run(out).facts().get("finished"))


class Place(NamedTuple):
    """Where studies take from and leave."""

    data: Path
    out: Path
    """The runs of one study."""
    store: Path
    """Decoded audio, shared by all."""


def learn(fit: Fit, place: Place, budget_s: float | None) -> None:
    """Train, unless that is done already; first what must be there before.

    Args:
        budget_s: seconds of training; none leaves the epochs to the recipe.
    """
    run = fit.run(place.out)
    if fit.is_finished(place.out) and run.read_json("measured.json"):
        return
    _thin(fit, place)
    if fit.before:
        learn(fit.before, place, budget_s)
        _guess(fit, place)
        _clean(fit, place)
    epochs = () if budget_s is None else (f"training.epochs={epochs_within(budget_s, fit, place)}",)
    began = time.monotonic()
    process = subprocess.Popen(_command(fit, place, run, (*epochs, f"seed={fit.seed}")))
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{fit}: earmark train failed; its sentence stands above")
    earlier = run.read_json("measured.json") or {"wall_s": 0.0, "peak_mib": 0.0}
    run.write_json(
        "measured.json",
        {
            "wall_s": earlier["wall_s"] + time.monotonic() - began,
            "peak_mib": max(earlier["peak_mib"], used.ru_maxrss / 1024),
        },
    )
    print(f"{fit}: {time.monotonic() - began:.0f} s", file=sys.stderr)


def epochs_within(budget_s: float, fit: Fit, place: Place) -> int:
    """The whole epochs that fit into the arm's share of the budget, at least one."""
    folder = RunFolder(place.out / "paces")
    name = f"{fingerprint((fit.arm.recipe, fit.arm.changes, *[fit.arm.every] * (fit.arm.every > 1)))}.json"
    if not folder.read_json(name):
        folder.write_json(name, {"arm": fit.arm.name, "s_an_epoch": _pace(fit, place)})
    return max(1, int(budget_s * fit.arm.share / folder.read_json(name)["s_an_epoch"]))


def _pace(fit: Fit, place: Place) -> float:
    """Seconds of the processor that an epoch takes, whatever else the machine does meanwhile.

    Short trainings that differ in epochs alone: what they have in common, starting and predicting, falls out.
    """
    used = []
    with tempfile.TemporaryDirectory() as scratch:
        for i, n in enumerate(_TRIED_EPOCHS):
            run = RunFolder(Path(scratch) / f"run-{i}")
            process = subprocess.Popen(_command(fit, place, run, (f"training.epochs={n}",)))
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                sys.exit(f"{fit}: earmark train failed; its sentence stands above")
            used.append(usage.ru_utime + usage.ru_stime)
    pace = (used[-1] - used[-2]) / (_TRIED_EPOCHS[-1] - _TRIED_EPOCHS[-2])
    print(f"{fit.arm.name}: {pace:.1f} s an epoch", file=sys.stderr)
    return pace


def _command(fit: Fit, place: Place, run: RunFolder, more: tuple[str, ...]) -> list[str]:
    before = str(fit.before.run(place.out).path) if fit.before else ""
    changes = [change.replace("{before}", before) for change in fit.arm.changes]
    command = [sys.executable, "-m", "earmark", "train", fit.arm.recipe]
    command += ["--data", str(fit.data(place)), "--fold", fit.fold]
    command += [part for change in (*changes, *more) for part in ("-s", change)]
    return [*command, "--out", str(run.path), "--store", str(place.store), "--quiet"]


def _guess(fit: Fit, place: Place) -> None:
    """Let what was learnt before say what it thinks of the noisy clips."""
    if not (fit.before and fit.guesses):
        return
    run = fit.before.run(place.out)
    if run.predictions("noisy").is_file() and (run.path / "embeddings.parquet").is_file():
        return
    command = [
        "predict",
        str(run.path),
        "--embed",
        "--data",
        str(fit.given(place)),
        "--store",
        str(place.store),
        "--quiet",
    ]
    if subprocess.run([sys.executable, "-m", "earmark", *command], check=False).returncode:
        sys.exit(f"{fit.before}: earmark predict failed; its sentence stands above")


def _thin(fit: Fit, place: Place) -> None:
    """Leave trusted clips out, if the arm is to do with fewer."""
    if not fit.given(place).is_dir():
        fit.given(place).parent.mkdir(parents=True, exist_ok=True)
        write_manifest(thinned(read_manifest(place.data, None), fit.arm.every, int(fit.fold)), fit.given(place))


def thinned(manifest: Manifest, every: int, fold: int) -> Manifest:
    """One trusted clip in so many of each class, where it is the first label that counts; all clips of one fold."""
    curated = manifest.where(part="train", origin="curated")
    first = curated.current().filter(state="present").group_by("clip").agg(pl.col("label").sort().first())
    learnt = first.join(curated.clips.filter(pl.col("fold") != fold).select(clip="id"), on="clip", how="semi")
    number = pl.col("clip").rank("ordinal").over("label") - 1
    gone = learnt.filter(number % every != 0)["clip"].to_list()
    return manifest.where(~pl.col("id").is_in(gone))


def _clean(fit: Fit, place: Place) -> None:
    """Let a rule judge the labels of the noisy clips, by the guesses of what was learnt before; or tell the truth."""
    if not (fit.before and fit.arm.rule) or fit.data(place).is_dir():
        return
    fit.data(place).parent.mkdir(parents=True, exist_ok=True)
    if fit.arm.rule == TRUTH:
        write_manifest(
            told(read_manifest(fit.given(place), None), place.data / "truth" / "train_noisy.csv"), fit.data(place)
        )
        return
    run = str(fit.before.run(place.out).path)
    command = [
        "clean",
        str(fit.given(place)),
        "--predictions",
        run,
        "--embeddings",
        run,
        "--rule",
        fit.arm.rule,
        "--quiet",
    ]
    with tempfile.TemporaryDirectory(dir=place.out) as scratch:
        made = Path(scratch) / "cleaned"
        if subprocess.run([sys.executable, "-m", "earmark", *command, "--out", str(made)], check=False).returncode:
            sys.exit(f"{fit}: earmark clean failed; its sentence stands above")
        made.rename(fit.data(place))


def told(manifest: Manifest, truth: Path) -> Manifest:
    """The noisy clips with the labels that they should have had; those of none of the classes have none."""
    noisy = manifest.where(origin="noisy", part="train").ids
    heard = heard_in(read_answers(truth, manifest.classes), noisy, manifest.classes)
    said = [(clip, manifest.classes[k]) for clip, row in zip(noisy, heard, strict=True) for k in np.flatnonzero(row)]
    given = manifest.current().filter(pl.col("clip").is_in(noisy)).select("clip", "label")
    there = pl.DataFrame(said, schema=["clip", "label"], orient="row")
    gone = given.join(there, on=["clip", "label"], how="anti").with_columns(state=pl.lit("absent"))
    return manifest.revised(
        pl.concat([there.with_columns(state=pl.lit("present")), gone]).with_columns(by=pl.lit(TRUTH))
    )
