"""Whether rules find mistakes that they were not made for: ``python -m bench.planted``.

Nets learn the generated sounds of a seed of their own from curated clips alone (``earmark demo``, ``earmark train demo
--fold each``), and say what they think of the noisy ones. Labels play no part in that, so the noisy clips can be given
labels with mistakes of any kind afterwards (:mod:`bench.planting`), and every rule judges them as it comes. Nothing was
chosen by what this page says. What is finished is kept, and an interrupted command goes on; after a change to the
source of a rule what it did before is to be removed by hand (``OUT/planted``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.planting import NOISES, Noise, Planted, plant
from earmark.cleaning.case import Case, Guess
from earmark.cleaning.judge import Found, judge
from earmark.cleaning.rules.rule import Rule
from earmark.core.files import write_text_atomically
from earmark.core.settings import read
from earmark.demo.sounds import sounds, vocabulary
from earmark.reports.wording import number, share
from earmark.stages.clean import case_of, gather
from earmark.stages.judging import heard_in, read_answers
from earmark.stages.prepare import read_manifest

_TABLES: Mapping[str, tuple[str, Callable[[Found], str]]] = {
    "faulty": ("Order: AUROC of given labels at fault among those that are not", lambda found: number(found.auroc)),
    "faulty F1": (
        "Decisions: F1 of given labels at fault, dropped or out of vocabulary (0 where a rule only leaves them open)",
        lambda found: number(found.f1),
    ),
    "right": (
        "What is left: share of the kept labels that are right, and share of the right ones that are kept",
        lambda found: f"{number(found.precision, 2)}, {number(found.recall, 2)}",
    ),
}
_NARROW = ("model.encoder.widths=[12, 24, 48, 96]",)
"""Half as wide as the net of the demonstration, so that five trainings take two minutes on two cores."""


class Judged(NamedTuple):
    """One rule on one planting."""

    found: Mapping[str, Found]
    """By kind of error; see `earmark.cleaning.judge`."""
    believed: float | None
    """The share of the given labels that it believes to be wrong; none where it gives no chances of its own."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is missing, write the page and print it."""
    parser = argparse.ArgumentParser("python -m bench.planted", description="Rules against planted mistakes.")
    parser.add_argument("--out", type=Path, default=Path("runs/planted"), help="where sounds, runs and results lie")
    parser.add_argument("--sounds-seed", type=int, default=2026, help="which sounds are generated")
    parser.add_argument("--size", type=float, default=1.0, help="how many of them; see earmark demo")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of each of the five trainings")
    parser.add_argument("--seeds", type=int, default=3, help="how often each kind of mistake is planted anew")
    asked = parser.parse_args(arguments)
    case, truth = learn(asked.out, asked.sounds_seed, asked.size, asked.epochs)
    known = {noise: [_scores(case, truth, noise, seed, asked.out) for seed in range(asked.seeds)] for noise in NOISES}
    text = page(known)
    write_text_atomically(asked.out / "planted.md", text)
    print(text, end="")


def learn(out: Path, seed: int, size: float, epochs: int) -> tuple[Case, np.ndarray]:
    """Generate, train on each fold, guess; what a rule is shown, and the truth."""
    data, runs, store = out / "sounds", out / "runs", ("--store", str(out / "store"))
    _earmark("demo", str(out), "--data-only", "--size", f"{size:g}", "--seed", str(seed))
    changes = [word for change in (*_NARROW, f"training.epochs={epochs}") for word in ("-s", change)]
    _earmark("train", "demo", "--data", str(data), "--out", str(runs), "--fold", "each", *store, *changes)
    _earmark("predict", str(runs), "--data", str(data), "--embed", *store)
    case = case_of(read_manifest(data, None), gather([runs], [runs]))
    answers = read_answers(data / "truth" / "train_noisy.csv", case.classes)
    return case, heard_in(answers, case.ids, case.classes)


def _earmark(*words: str) -> None:
    if subprocess.run([sys.executable, "-m", "earmark", *words], check=False).returncode:
        sys.exit(f"earmark {words[0]} failed; its sentence stands above")


def _scores(case: Case, truth: np.ndarray, noise: Noise, seed: int, out: Path) -> Mapping[str, Judged]:
    """What every rule is worth on one planting, by kind of rule; kept in a file."""
    place = out / "planted" / f"{noise.name.replace(' ', '-').replace('%', 'percent')}-{seed}.json"
    if place.is_file():
        kept = json.loads(place.read_text(encoding="utf-8"))
        return {
            kind: Judged({name: Found(**each) for name, each in one["found"].items()}, one["believed"])
            for kind, one in kept.items()
        }
    made = plant(case, truth, noise, sounding_alike(), seed)
    found = {kind: _judged(_rule(kind, len(made.case)), made) for kind in Rule.members()}
    kept = {
        kind: {"found": {name: each._asdict() for name, each in one.found.items()}, "believed": one.believed}
        for kind, one in found.items()
    }
    write_text_atomically(place, json.dumps(kept) + "\n")
    print(f"{noise.name}, seed {seed}: judged", file=sys.stderr)
    return found


def _rule(kind: str, n_clips: int) -> Rule:
    """A rule as it comes, but for the number of clips to keep: that is made for larger data, and is half here."""
    member = Rule.named(kind)
    half = {"k": n_clips // 2} if kind in ("scoring", "select_and_predict") else {}
    return read(member, half, what=f"rule '{kind}'")


def _judged(rule: Rule, made: Planted) -> Judged:
    """One rule; of a rule that compares two models each hears one of those behind the guess."""
    case = made.case
    if rule.n_guesses > len(case.guesses):
        members = case.guesses[0].members[: rule.n_guesses]
        trusted = case.guesses[0].trusted_p
        case = replace(case, guesses=tuple(Guess(p, p, trusted, p[None]) for p in members))
    opinion = rule(case)
    believed = None if opinion.p is None else float(1 - opinion.p[case.labels].mean())
    return Judged(judge(opinion, case.labels, made.truth), believed)


def sounding_alike() -> Mapping[str, Sequence[str]]:
    """For each generated class those that were made to sound like it, or it like them."""
    like = {name: set(sounds()[name].like) for name in vocabulary()}
    return {name: sorted({o for o in like if o in like[name] or name in like[o]} - {name}) for name in like}


def page(known: Mapping[Noise, Sequence[Mapping[str, Judged]]]) -> str:
    """The tables, means over the plantings, in Markdown."""
    lines = [_said(known), ""]
    for name, (title, cell) in _TABLES.items():
        lines += [f"**{title}**", "", f"| rule | {' | '.join(noise.name for noise in known)} |"]
        lines += ["|---" * (len(known) + 1) + "|"]
        for kind in next(iter(known.values()))[0]:
            found = [mean([one[kind].found[name.split()[0]] for one in each]) for each in known.values()]
            lines.append(f"| {kind} | {' | '.join(map(cell, found))} |")
        lines.append("")
    return "\n".join([*lines, *_honest(known), ""])


def _honest(known: Mapping[Noise, Sequence[Mapping[str, Judged]]]) -> list[str]:
    """How many labels are believed to be wrong, and how many are."""
    kinds = next(iter(known.values()))[0]
    truth = next(iter(kinds))
    rows: dict[str, list[str]] = {"(in truth)": []}
    for each in known.values():
        bad, good = (sum(one[truth].found[name].n for one in each) for name in ("faulty", "right"))
        rows["(in truth)"].append(share(bad, bad + good))
        for kind in kinds:
            believed = [one[kind].believed for one in each]
            if None not in believed:
                rows.setdefault(kind, []).append(share(sum(filter(None, believed)), len(believed)))
    return [
        "**Honesty: share of the given labels that is believed to be wrong, by rules that give chances**",
        "",
        f"| rule | {' | '.join(noise.name for noise in known)} |",
        "|---" * (len(known) + 1) + "|",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
    ]


def _said(known: Mapping[Noise, Sequence[Mapping[str, Judged]]]) -> str:
    """How many labels are at fault."""
    parts = []
    for noise, each in known.items():
        first = next(iter(each[0].values()))
        n_faulty, n_right = first.found["faulty"].n, first.found["right"].n
        parts.append(f"{noise.name}: {n_faulty} of {n_faulty + n_right} ({share(n_faulty, n_faulty + n_right)})")
    return "Labels at fault: " + "; ".join(parts) + f". Means over {len(next(iter(known.values())))} plantings."


def mean(found: Sequence[Found]) -> Found:
    """Several results as one: counts added up, AUROC averaged."""
    n, n_said, n_hit = (sum(getattr(each, name) for each in found) for name in ("n", "n_said", "n_hit"))
    return Found(n, n_said, n_hit, float(np.mean([each.auroc for each in found])))


if __name__ == "__main__":
    main()
