"""Verdicts as a table, and the manifest that comes of them, in which nothing is overwritten."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.verdicts import Verdicts, of_fold, revise, tabulate
from earmark.core.errors import DataError
from tests.cleaning.cases import case_of, manifest_of

LABELS = {"c1": ["Bark"], "n1": ["Bark", "Meow"], "n2": ["Rain"], "n3": ["Tap"]}
GUESS = {name: [0.4, 0.3, 0.2, 0.1] for name in ("n1", "n2", "n3")}
CASE = case_of(LABELS, GUESS)
K, D, A, U, OUT, S = (
    Verdict.KEEP,
    Verdict.DROP,
    Verdict.ADD,
    Verdict.UNKNOWN,
    Verdict.OUT_OF_VOCABULARY,
    Verdict.SILENT,
)


def opinion(rows: list[list[int]], **more: object) -> Opinion:
    return Opinion(np.array(rows, np.int8), np.zeros((3, 4)), **more)  # type: ignore[arg-type]


SAID = opinion([[K, D, A, U], [S, S, OUT, S], [S, S, S, U]], seen={"lrap": np.array([1.0, 0.5, 0.25])})
P = np.array([[0.9, 0.1, 0.8, 0.4], [0, 0, 0.05, 0], [0, 0, 0, 0.5]])


def table(said: Opinion = SAID, p: np.ndarray | None = P) -> Verdicts:
    return tabulate(CASE, said, p, by="clean test")


def test_a_row_for_everything_that_was_said() -> None:
    found = table()
    assert found.table.select("clip", "label", "given", "verdict", "p").rows() == [
        ("n1", "Bark", "present", "keep", 0.9),
        ("n1", "Meow", "present", "drop", 0.1),
        ("n1", "Rain", "absent", "add", 0.8),
        ("n1", "Tap", "absent", "unknown", 0.4),
        ("n2", "Rain", "present", "out_of_vocabulary", 0.05),
        ("n3", "Tap", "present", "unknown", 0.5),
    ]
    assert found.table["doubt"].to_list() == pytest.approx([0.1, 0.9, 0.8, 0.4, 0.95, 0.5])
    assert found.table["evidence"].to_list()[4] == "lrap 0.5"
    assert found.counts == {"keep": 1, "add": 1, "drop": 1, "out_of_vocabulary": 1, "unknown": 2}
    assert found.doubtful(2)["clip"].to_list() == ["n2", "n1"]
    by_class = found.by_class()
    assert by_class["label"].to_list() == list(CASE.classes)
    assert sum(by_class[word].sum() for word in found.counts) == 6


def test_other_rules_are_quoted() -> None:
    quoted = opinion(SAID.verdicts.tolist(), said={"scoring": SAID.verdicts})
    assert table(quoted).table["evidence"].to_list()[1] == "scoring: drop"


def test_the_manifest_after_the_verdicts() -> None:
    manifest = manifest_of(LABELS)
    revised = revise(manifest, table())
    assert revised.labels.filter(pl.col("revision") == 0, pl.col("by") == "given").equals(manifest.labels)
    now = revised.current().filter(pl.col("clip") == "n1").select("label", "state", "by", "confidence").rows()
    assert now == [
        ("Bark", "present", "clean test", 0.9),
        ("Meow", "absent", "clean test", 0.9),
        ("Rain", "present", "clean test", 0.8),
        ("Tap", "unknown", "clean test", None),
    ]
    origins = dict(revised.clips.select("id", "origin").iter_rows())
    assert origins == {"c1": "curated", "n1": "noisy", "n2": "unlabelled", "n3": "unlabelled"}
    values, known = revised.targets(["n1", "n2", "n3"])
    assert values.tolist() == [[1, 0, 1, 0], [0] * 4, [0] * 4]
    assert known.tolist() == [[True, True, True, False], [False, False, True, False], [False] * 4]
    stays = revise(manifest, table(), emptied="noisy")
    assert set(stays.where(id=["n1", "n2", "n3"]).clips["origin"]) == {"noisy"}
    assert stays.targets(["n2"]).known.all(), "an example of none of the classes"


def test_a_second_round_goes_on_top() -> None:
    once = revise(manifest_of(LABELS), table(), emptied="noisy")
    twice = revise(once, table(), emptied="noisy")
    assert twice.labels.height == once.labels.height + 6
    assert twice.labels.filter(pl.col("clip") == "n1", pl.col("label") == "Bark")["revision"].to_list() == [0, 1, 2]


def test_chances_that_nobody_gave_are_not_made_up() -> None:
    found = table(p=None)
    assert found.table["p"].null_count() == 6 and found.table["doubt"].null_count() == 6
    assert revise(manifest_of(LABELS), found).current()["confidence"].null_count() == 7
    assert found.doubtful(6)["clip"].to_list() == found.table["clip"].to_list()


def test_each_model_may_get_clips_of_its_own() -> None:
    folds = {"c1": 0, "n1": 0, "n2": 1, "n3": 1}
    rows = [[K, K, S, S], [S, S, K, S], [S, S, S, K]]
    manifest = manifest_of(LABELS, folds)
    own = table(opinion(rows, slices=np.array([0, 1, 1])))
    revised = revise(manifest, own)
    assert revised.clips["fold"].to_list() == [0, None, None, None], "no model holds them out"
    assert of_fold(revised, own, 0).ids == ("c1", "n1") and of_fold(revised, own, 1).ids == ("c1", "n2", "n3")
    shared = table(opinion(rows, slices=np.array([-1, -1, -1])))
    assert of_fold(revise(manifest, shared), shared, 0).ids == manifest.ids
    assert revise(manifest, table()).clips["fold"].to_list() == [0, 0, 1, 1], "without a word folds stay"


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([[S, K, S, S], [S, S, K, S], [S, S, S, K]], "'silent' about the label 'Bark' of clip 'n1', which was given"),
        ([[K, K, K, S], [S, S, K, S], [S, S, S, K]], "'keep' about the label 'Rain' of clip 'n1', which was not given"),
        ([[A, K, S, S], [S, S, K, S], [S, S, S, K]], "'add' about the label 'Bark' of clip 'n1', which was given"),
    ],
)
def test_verdicts_that_cannot_be_are_refused(rows: list[list[int]], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        table(opinion(rows))
