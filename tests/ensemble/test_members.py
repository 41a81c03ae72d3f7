"""Members side by side: order plays no part, and what does not fit together is refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earmark.core.errors import DataError
from earmark.core.predictions import Predictions
from earmark.ensemble.members import Members
from tests.ensemble.choir import choir

ONE = choir().tables


def refused(match: str, **changed: Predictions) -> None:
    with pytest.raises(DataError, match=match) as error:
        Members.of({**ONE, **changed})
    assert "\n" not in str(error.value)


def test_the_order_of_files_rows_and_columns_plays_no_part() -> None:
    members, other = choir().members, choir().shuffled(3)
    assert (members.names, members.ids) == (other.names, other.ids)
    back = [other.classes.index(name) for name in members.classes]
    assert np.array_equal(members.scores, other.scores[:, :, back])
    assert members.folds is not None and np.array_equal(members.folds, other.folds)


def test_rows_and_members_can_be_chosen() -> None:
    members = choir().members
    assert members.folds is not None
    inside = members.folds == 2
    some = members.rows(inside).only(["c", "a"])
    assert some.names == ("a", "c") and len(some.ids) == inside.sum() and set(some.folds) == {2}
    assert np.array_equal(some.table("c").scores, members.scores[2, inside])
    with pytest.raises(DataError, match="no member 'd'"):
        members.only(["d"])


def test_other_links_vocabularies_and_clips_are_refused() -> None:
    b = ONE["b"]
    refused(r"'a' are on 'logit' and those of 'b' on 'probability'; .*--link", b=b.on("probability"))
    refused("'a' and 'b' are over different vocabularies: only 'a' knows class 'k4'", b=b.aligned(b.ids, b.classes[:4]))
    renamed = replace(b, classes=(*b.classes[:4], "kk4"))
    refused(r"only 'a' knows class 'k4' \(did you mean 'kk4'\?\)", b=renamed)
    refused("'a' and 'b' share no clips", b=replace(b, ids=tuple(f"x{name}" for name in b.ids)))
    refused("'b' has no prediction for 2 clips that 'a' has, first 'clip0118'", b=b.aligned(b.ids[:-2]))
    refused("'b' has 1 infinite scores, first for clip 'clip0003'", b=replace(b, scores=_with(b.scores, 3, np.inf)))
    with pytest.raises(DataError, match="at least one"):
        Members.of({})


def test_a_missing_fold_and_other_folds_are_refused() -> None:
    b = ONE["b"]
    assert b.folds is not None
    kept = [name for name, fold in zip(b.ids, b.folds, strict=True) if fold != 3]
    refused("member 'b' has no predictions of fold 3, which 'a' has", b=b.aligned(kept))
    refused(
        "different manifests: clip 'clip0000' was held out as fold 0 .* fold 1", b=replace(b, folds=(b.folds + 1) % 4)
    )
    alone = {
        name: table.aligned([i for i, f in zip(b.ids, b.folds, strict=True) if f == fold])
        for fold, (name, table) in enumerate(ONE.items())
    }
    with pytest.raises(DataError, match=r"share no clips.*give the folds of one model one name"):
        Members.of(alone)
    assert Members.of({**ONE, "b": replace(b, folds=None)}).folds is None, "one that does not say is not believed"


def test_members_can_be_brought_onto_one_link() -> None:
    mixed = {**ONE, "b": ONE["b"].on("probability")}
    members = Members.of(mixed, link="probability")
    assert members.link == "probability"
    np.testing.assert_allclose(members.scores, Members.of(ONE, link="probability").scores)


def _with(scores: np.ndarray, row: int, value: float) -> np.ndarray:
    changed = scores.copy()
    changed[row, 0] = value
    return changed
