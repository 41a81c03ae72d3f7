"""Verdicts against the truth: counted by hand and by the judge of opinions, whatever is left out or damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earmark.cleaning.judge import judge
from earmark.cleaning.rules.rule import Rule
from earmark.cleaning.verdicts import COLUMNS, tabulate
from earmark.core.errors import DataError
from earmark.stages.judging import heard_in, judge_verdicts, read_answers, verdicts_in
from tests.cleaning.cases import World, world

VERDICTS = [
    ("a.wav", "Bark", "present", "keep"),  # right
    ("a.wav", "Meow", "absent", "add"),  # there, but not given
    ("b.wav", "Rain", "present", "drop"),  # Tap is there
    ("c.wav", "Rain", "present", "out_of_vocabulary"),  # nothing is there
    ("d.wav", "Bark", "present", "unknown"),  # right, left open
    ("e.wav", "Bark", "present", "drop"),  # nobody knows
]
TRUTH = """fname,true_labels,kind
a.wav,"Bark,Meow",incomplete
b.wav,Tap,wrong
c.wav,,out_of_vocabulary
d.wav,Bark,right
"""


@pytest.fixture
def verdicts(tmp_path: Path) -> Path:
    rows = [(*row, 0.5, 0.5, "") for row in VERDICTS]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_parquet(tmp_path / "verdicts.parquet")
    (tmp_path / "truth.csv").write_text(TRUTH)
    return tmp_path / "verdicts.parquet"


def test_by_hand(verdicts: Path) -> None:
    judged = judge_verdicts(verdicts, verdicts.with_name("truth.csv"))
    assert (judged.n_clips, judged.n_labels, judged.n_open, judged.n_untold) == (4, 4, 1, 1)
    counts = {kind: (each.n, each.n_said, each.n_hit) for kind, each in judged.found.items()}
    assert counts == {
        "right": (2, 1, 1),
        "faulty": (2, 2, 2),
        "wrong": (1, 1, 1),
        "incomplete": (1, 1, 1),
        "replaced": (1, 0, 0),
        "out_of_vocabulary": (1, 1, 1),
    }


@pytest.mark.parametrize("kind", ["combined", "confident_learning", "top_intersection", "scoring"])
def test_a_table_is_worth_what_its_opinion_was(kind: str, tmp_path: Path) -> None:
    one: World = world(60)
    case = one.case
    opinion = Rule.named(kind)()(case)
    tabulate(case, opinion, None, by="test").table.write_parquet(tmp_path / "verdicts.parquet")
    rows = [(name, ",".join(sorted(one.truth[name])), "?") for name in case.ids]
    pl.DataFrame(rows, schema=["fname", "true_labels", "kind"], orient="row").write_csv(tmp_path / "truth.csv")
    by_table = judge_verdicts(tmp_path / "verdicts.parquet", tmp_path / "truth.csv").found
    for name, each in judge(opinion, case.labels, one.truth_of(case)).items():
        assert by_table[name][:3] == each[:3]


def test_tables_are_told_apart_by_their_columns(verdicts: Path, tmp_path: Path) -> None:
    assert verdicts_in(verdicts) == verdicts and verdicts_in(tmp_path) == verdicts
    pl.DataFrame({"fname": ["a.wav"], "Bark": [0.5]}).write_parquet(tmp_path / "scores.parquet")
    assert verdicts_in(tmp_path / "scores.parquet") is None
    assert verdicts_in(tmp_path / "truth.csv") is None and verdicts_in(tmp_path / "nowhere") is None


def test_what_does_not_fit_is_refused(verdicts: Path, tmp_path: Path) -> None:
    answers = read_answers(tmp_path / "truth.csv")
    assert heard_in(answers, ["c.wav", "a.wav"], ("Bark", "Meow", "Tap")).tolist() == [[False] * 3, [True, True, False]]
    with pytest.raises(DataError, match=r"nothing about 1 of 2 clips, first 'e\.wav'"):
        heard_in(answers, ["a.wav", "e.wav"], answers.classes)
    with pytest.raises(DataError, match="class 'Tap', which nobody judged"):
        heard_in(answers, ["a.wav"], ("Bark", "Meow"))
    with pytest.raises(DataError, match="no table or folder of labels"):
        judge_verdicts(verdicts, tmp_path / "nowhere.csv")
    (tmp_path / "other.csv").write_text("fname,labels\nz.wav,Bark\n")
    with pytest.raises(DataError, match="knows none of the 5 clips"):
        judge_verdicts(verdicts, tmp_path / "other.csv")
    with pytest.raises(DataError, match="uses 1 label outside the vocabulary of 2 classes"):
        read_answers(tmp_path / "truth.csv", ("Bark", "Meow"))


def test_the_generated_truth_stands_to_its_labels_as_its_kind_says(tmp_path: Path) -> None:
    from earmark.demo.dataset import DemoSettings, plan
    from earmark.demo.sounds import vocabulary

    clips = [clip for clip in plan(DemoSettings(size=0.05)) if clip.part == "train_noisy"]
    rows = [(clip.fname, ",".join(clip.truth), clip.kind) for clip in clips]
    pl.DataFrame(rows, schema=["fname", "true_labels", "kind"], orient="row").write_csv(tmp_path / "truth.csv")
    answers = read_answers(tmp_path / "truth.csv", vocabulary())
    heard = heard_in(answers, [clip.fname for clip in clips], answers.classes)
    given = np.array([[name in clip.labels for name in answers.classes] for clip in clips])
    for clip, there, said in zip(clips, heard, given, strict=True):
        is_so = {
            "right": (there == said).all(),
            "incomplete": (said <= there).all() and there.sum() > said.sum(),
            "wrong": (said & ~there).any() and there.any(),
            "out_of_vocabulary": not there.any(),
        }
        assert is_so[clip.kind], clip
