"""How well the rules clean, where the truth is known: ``python -m bench.cleaning --data FOLDER --runs STUDY/ARM``.

The runs of an arm, one a fold (``STUDY/ARM/fold-K``, as :mod:`bench.quality` leaves them), say what they think of the
noisy clips that they did not learn from; every rule judges by that; and only then is ``truth/train_noisy.csv`` opened.
Runs are copied first, so that guesses lie beside the copies and a study stays as it is. What was measured is kept and
not measured again; where there is another fold since, or a rule has other settings, it is measured anew beside that
(but not where only its source has changed: take another ``--out`` then).
Each rule leaves a data folder in ``OUT/cleaned`` that trains like any other.

Rules that compare two models get the second arm (``--runs`` twice); all others judge by the first one alone.
"""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from earmark.cleaning.judge import Found, judge
from earmark.cleaning.rules.rule import Rule
from earmark.core.errors import DataError, EarmarkError, RunError
from earmark.core.files import write_text_atomically
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest
from earmark.reports.wording import number
from earmark.runs.folder import RunFolder
from earmark.stages.clean import CleanSettings, Material, case_of, clean, gather, read_settings
from earmark.stages.judging import heard_in, read_answers
from earmark.stages.predict import NOISY
from earmark.stages.prepare import read_manifest
from earmark.stages.show import Silent

KINDS = {
    "faulty": "Given labels that are not there, whatever the reason: dropped, or said to be out of vocabulary",
    "wrong": "Of these, labels of clips that hold another class: dropped",
    "incomplete": "Labels that are missing from clips whose given labels are right: added",
    "out_of_vocabulary": "Clips that hold none of the classes: said to be out of vocabulary",
    "right": "Given labels that are there: kept",
}
"""What is found, in the order of the page, and which verdict counts as finding it."""
_TAKEN = ("run.json", "recipe.yaml", "learnt.json", "tagger.safetensors", "predictions/held_out.parquet")
_TRUTH = Path("truth") / "train_noisy.csv"


class Judge(NamedTuple):
    """A rule with its settings."""

    name: str
    kind: str
    changes: tuple[str, ...] = ()
    embeddings: bool = True

    @property
    def settings(self) -> CleanSettings:
        """The rule, and what belongs to it."""
        return read_settings(self.kind, self.changes)


VARIANTS = (
    Judge("combined, no embeddings", "combined", embeddings=False),
    Judge("open_set, energy", "open_set", ("score=energy",)),
    Judge("open_set, distance", "open_set", ("score=distance",)),
)


def judges() -> list[Judge]:
    """Every rule as it comes, and a few variants."""
    return sorted([*(Judge(kind, kind) for kind in Rule.members()), *VARIANTS], key=lambda each: each.name)


class Place(NamedTuple):
    """Where things lie."""

    data: Path
    runs: Sequence[Path]
    """The runs of one arm or of two, by fold."""
    out: Path
    store: Path | None = None

    def models(self, arm: int) -> Path:
        """The copies of an arm's runs."""
        return self.out / "models" / f"{arm}-{self.runs[arm].name}"

    def guesses(self, one: Judge) -> list[Path]:
        """Whose guesses a judge compares; empty where it cannot."""
        n = max(one.settings.rule.n_guesses, 1)
        arms = [self.models(arm) for arm in range(min(n, len(self.runs)))]
        there = [arm for arm in arms if RunFolder(arm).predictions(NOISY).is_file()]
        return there if len(there) == n else []

    def material(self, one: Judge) -> Material:
        """What a judge goes by."""
        arms = self.guesses(one)
        return gather(arms, arms[:1] if one.embeddings else [])

    def cleaned(self, one: Judge) -> RunFolder:
        """What a judge leaves; with other settings or other guesses it is somewhere else."""
        files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.material(one).files]
        name = one.name.replace(", ", "-").replace(" ", "-")
        return RunFolder(self.out / "cleaned" / f"{name}-{fingerprint(one.settings, files)[:8]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing, write the page and print it; the exit code."""
    parser = argparse.ArgumentParser("python -m bench.cleaning", description="How well the rules clean.")
    parser.add_argument("--data", type=Path, required=True, help=f"a data folder with {_TRUTH}")
    parser.add_argument("--runs", type=Path, action="append", required=True, help="an arm's folder; twice for two")
    parser.add_argument("--out", type=Path, default=Path("runs/cleaning"), help="where all of it lies")
    parser.add_argument("--store", type=Path, help="decoded audio; where the runs have it unless given")
    parser.add_argument("--only", action="append", help="only this rule; may be given often")
    parser.add_argument("--table-only", action="store_true", help="measure nothing, print what there is")
    asked = parser.parse_args(arguments)
    place = Place(asked.data.resolve(), asked.runs, asked.out, asked.store)
    try:
        if not asked.table_only:
            measure_all(place, [one for one in judges() if not asked.only or one.name in asked.only])
        text = page(place)
    except EarmarkError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_text_atomically(place.out / "cleaning.md", text)
    print(text, end="")
    return 0


def measure_all(place: Place, wanted: Sequence[Judge]) -> None:
    """Guess, then let everybody judge who has not done so."""
    for arm, runs in enumerate(place.runs):
        copy_runs(runs, place.models(arm))
        _guess(place, arm)
    manifest = read_manifest(place.data, None)
    for one in wanted:
        if place.guesses(one):
            _measure(one, place, manifest)


def copy_runs(arm: Path, into: Path) -> list[str]:
    """Copy what guessing needs of each fold's finished run, where it is not there already; the folds.

    Raises:
        RunError: there is no finished run of a fold.
    """
    finished = [run for run in sorted(arm.glob("fold-*")) if run.name[5:].isdigit() and _is_finished(run)]
    if not finished:
        raise RunError(f"'{arm}' holds no finished run of a fold (fold-0, ...); train the arm on its folds first", arm)
    for run in finished:
        for name in _TAKEN:
            there, here = run / name, into / run.name / name
            if there.is_file() and not (here.is_file() and filecmp.cmp(there, here, shallow=False)):
                here.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(there, here)
    return [run.name[5:] for run in finished]


def _is_finished(run: Path) -> bool:
    return bool(RunFolder(run).facts().get("finished"))


def _guess(place: Place, arm: int) -> None:
    """Ask the runs about the noisy clips, and for vectors."""
    models = place.models(arm)
    first = RunFolder(min(models.glob("fold-*"))).facts()
    store = place.store or (Path(first["store"]) if "store" in first else None)
    command = [sys.executable, "-m", "earmark", "predict", str(models), "--data", str(place.data), "--embed"]
    command += [] if store is None else ["--store", str(store)]
    done = subprocess.run([*command, "--quiet"], check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RunError(f"no guesses of '{place.runs[arm]}': {done.stderr.strip()}")


def _measure(one: Judge, place: Place, manifest: Manifest) -> None:
    """Let one judge clean, then hold what it says against the truth."""
    material, folder = place.material(one), place.cleaned(one)
    began = time.monotonic()
    clean(one.settings, manifest, material, folder.path, Silent())
    if _kept(folder, place) is not None:
        return
    case = case_of(manifest, material)
    opinion = one.settings.rule(case)
    truth = heard_in(read_answers(_truth(place), case.classes), case.ids, case.classes)
    found = {kind: each._asdict() for kind, each in judge(opinion, case.labels, truth).items()}
    folder.write_json("measured.json", {"stamp": _stamp(folder, place), "found": found})
    print(f"{one.name}: {time.monotonic() - began:.0f} s", file=sys.stderr)


def _kept(folder: RunFolder, place: Place) -> Mapping[str, Found] | None:
    """What was measured of this cleaning against this truth."""
    kept = folder.read_json("measured.json")
    if not kept or kept["stamp"] != _stamp(folder, place):
        return None
    return {kind: Found(**each) for kind, each in kept["found"].items()}


def _stamp(folder: RunFolder, place: Place) -> list[str]:
    """What a result belongs to: a cleaning, and a truth."""
    truth = hashlib.sha256(_truth(place).read_bytes()).hexdigest()[:16]
    return [str(folder.facts().get("fingerprint")), truth]


def _truth(place: Place) -> Path:
    path = place.data / _TRUTH
    if not path.is_file():
        raise DataError(f"'{place.data}' holds no {_TRUTH}, so nobody knows how good a rule is there", path)
    return path


def results(place: Place) -> dict[Judge, Mapping[str, Found]]:
    """What is known so far."""
    found = {one: _kept(place.cleaned(one), place) for one in judges() if place.guesses(one)}
    return {one: each for one, each in found.items() if each is not None}


def page(place: Place) -> str:
    """A table for each kind of error in Markdown, and what is missing."""
    known = results(place)
    lines = [f"Guesses by {_folds_said(place)}; a verdict of unknown finds nothing and costs no precision.", ""]
    for kind, what in KINDS.items():
        if known:
            lines += [f"**{what}** ({next(iter(known.values()))[kind].n} there are)", ""]
            lines += [*table(known, kind), ""]
    missing = [one.name + _why(one, place) for one in judges() if one not in known]
    return "\n".join([*lines, "Missing: " + (", ".join(missing) if missing else "nothing") + "."]) + "\n"


def table(known: Mapping[Judge, Mapping[str, Found]], kind: str) -> list[str]:
    """One kind of error: a row for each judge."""
    lines = ["| rule | said | right | precision | recall | F1 | AUROC |", "|---|---|---|---|---|---|---|"]
    for one, result in known.items():
        found = result[kind]
        figures = (number(value) for value in (found.precision, found.recall, found.f1, found.auroc))
        lines.append(f"| {one.name} | {found.n_said} | {found.n_hit} | {' | '.join(figures)} |")
    return lines


def _folds_said(place: Place) -> str:
    """Which folds of which arms there are, and which are not."""
    curated = read_manifest(place.data, None).where(part="train", origin="curated")
    wanted = {str(fold) for fold in curated.clips["fold"].drop_nulls().unique()}
    said = []
    for arm, runs in enumerate(place.runs):
        there = {run.name[5:] for run in place.models(arm).glob("fold-*")}
        lacking = ", ".join(sorted(wanted - there))
        said.append(f"'{runs.name}', {len(there)} folds" + (f" (missing: {lacking})" if lacking else ""))
    return " and ".join(said)


def _why(one: Judge, place: Place) -> str:
    return " (compares two arms)" if one.settings.rule.n_guesses > len(place.runs) else ""


if __name__ == "__main__":
    sys.exit(main())
