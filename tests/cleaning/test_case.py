"""Putting the material side by side: by name, out of fold, over one vocabulary, or refused in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earmark.cleaning.case import Case, Guesses, trusted_as_doubtful
from earmark.core.embeddings import Embeddings
from earmark.core.errors import DataError
from earmark.core.predictions import Predictions
from tests.cleaning.cases import CLASSES, guesses_of, manifest_of

LABELS = {"c1": ["Bark"], "c2": ["Meow", "Tap"], "n1": ["Bark"], "n2": ["Rain"]}
MANIFEST = manifest_of(LABELS, {"c1": 0, "c2": 1, "n1": 1})
ROW = [0.1, 0.2, 0.3, 0.4]


def table(*ids: str, out_of_fold: bool = True, folds: list[int] | None = None) -> Predictions:
    scores = np.array([ROW] * len(ids)) + np.arange(len(ids))[:, None] / 10
    facts = {"out_of_fold": True} if out_of_fold else {}
    held = None if folds is None else np.array(folds)
    return Predictions(ids, CLASSES, scores, "probability", held, facts)


def test_rows_go_by_name_and_lack_what_is_not_there() -> None:
    whole = Guesses((table("n2", "n1"), table("c2", folds=[1], out_of_fold=False)))
    case = Case.of(MANIFEST, [whole])
    assert case.ids == ("n1", "n2") and case.trusted_ids == ("c1", "c2")
    np.testing.assert_allclose(case.guesses[0].p, [np.array(ROW) + 0.1, ROW])
    assert case.guessed.tolist() == [False, True] and case.has_trusted_guesses
    assert case.folds.tolist() == [1, -1] and case.trusted_folds.tolist() == [0, 1]
    assert case.labels.tolist() == [[True, False, False, False], [False, False, True, False]]
    assert case.members.shape == (1, 2, 4) and case.places.tolist() == [-1, -1]


def test_trusted_clips_in_the_place_of_doubtful_ones_are_those_that_were_guessed() -> None:
    case = Case.of(MANIFEST, [Guesses((table("n2", "n1"), table("c2", folds=[1], out_of_fold=False)))])
    lesson = trusted_as_doubtful(case)
    assert (lesson.ids, lesson.places.tolist(), lesson.folds.tolist()) == (("c2",), [1], [1])
    assert lesson.labels.tolist() == [[False, True, False, True]] and lesson.trusted_ids == case.trusted_ids
    np.testing.assert_allclose(lesson.guesses[0].p, case.guesses[0].trusted_p[[1]])
    assert np.array_equal(lesson.guesses[0].heard, lesson.guesses[0].p[None])


def test_members_are_heard_where_each_clip_has_one() -> None:
    whole, one, two = guesses_of({"n1": ROW, "n2": ROW}), table("n1"), table("n2")
    both = Case.of(MANIFEST, [replace(whole, members=(one, two))]).guesses[0]
    assert both.heard.shape == (2, 2, 4) and np.isnan(both.heard[0, 1]).all()
    lacking = Case.of(MANIFEST, [replace(whole, members=(one,))]).guesses[0]
    np.testing.assert_allclose(lacking.heard, lacking.p[None], err_msg="nobody alone has heard the second clip")


def test_folds_are_those_of_the_models_where_the_manifest_has_none() -> None:
    case = Case.of(manifest_of(LABELS), [Guesses((table("n1", "n2"), table("c1", "c2", folds=[3, 2])))])
    assert case.trusted_folds.tolist() == [3, 2] and case.folds.tolist() == [-1, -1]


def test_scores_keep_their_link_for_ranks_and_become_chances() -> None:
    soft = replace(table("n1", "n2"), scores=np.array([[0.0, 1, 2, 3], [50, 60, 70, 80]]), link="logit")
    guess = Case.of(MANIFEST, [Guesses((soft,))]).guesses[0]
    assert len(set(guess.scores[1])) == 4, "what saturates as a chance still has an order"
    np.testing.assert_allclose(guess.p[0, 0], 0.5)
    with pytest.raises(DataError, match="'rank' cannot be put on 'probability'"):
        Case.of(MANIFEST, [Guesses((soft.on("rank"),))])


def test_guesses_must_be_out_of_fold() -> None:
    silent = table("n1", "n2", out_of_fold=False)
    with pytest.raises(DataError, match="did not learn from the clip, but 'x' does not say so of 2 clips, first 'n1'"):
        Case.of(MANIFEST, [Guesses((silent,), name="x")])
    Case.of(MANIFEST, [Guesses((silent,))], vouched=True)
    Case.of(MANIFEST, [Guesses((replace(silent, folds=np.array([0, 1])),))])
    owned = replace(silent, folds=np.array([0, 0]), provenance={"out_of_fold": False})
    with pytest.raises(DataError, match="'x' says that some of its models did, and clip 'n1' may be one of theirs"):
        Case.of(MANIFEST, [Guesses((owned,), name="x")])
    with pytest.raises(DataError, match="of 1 clips, first 'n2'"):
        Case.of(MANIFEST, [Guesses((replace(silent, folds=np.array([0, -1])),))])
    with pytest.raises(DataError, match="first 'c1'"):
        Case.of(MANIFEST, [Guesses((table("n1", "n2"), table("c1", out_of_fold=False)))])
    with pytest.raises(DataError, match="first 'n1'"):
        Case.of(MANIFEST, [Guesses((table("n1", "n2"),), members=(silent,))])


@pytest.mark.parametrize(
    ("classes", "fault"),
    [
        (("Bark", "Meow", "Rain"), "different vocabularies: 'p' has no column for class 'Tap' of the manifest"),
        (
            (*CLASSES, "Top"),
            "different vocabularies: the manifest knows nothing of class 'Top' in 'p'; did you mean 'Tap'",
        ),
    ],
)
def test_other_vocabularies_are_refused(classes: tuple[str, ...], fault: str) -> None:
    other = Predictions(("n1", "n2"), classes, np.zeros((2, len(classes))), provenance={"out_of_fold": True})
    with pytest.raises(DataError, match=fault):
        Case.of(MANIFEST, [Guesses((other,), name="p")])


def test_what_is_lacking_is_refused_unless_excused() -> None:
    with pytest.raises(DataError, match="1 of 2 noisy clips have no guess in 'p', first 'n2'"):
        Case.of(MANIFEST, [Guesses((table("n1"),), name="p")])
    assert Case.of(MANIFEST, [Guesses((table("n1"),))], excused={"n2"}).ids == ("n1",)
    with pytest.raises(DataError, match="a clip is guessed twice in 'p'"):
        Case.of(MANIFEST, [Guesses((table("n1", "n2"), table("n1")), name="p")])
    with pytest.raises(DataError, match="has no noisy training clip"):
        Case.of(manifest_of({"c1": ["Bark"]}), [guesses_of({"c1": ROW})])


def test_vectors_must_hold_the_doubtful_and_some_trusted_clips() -> None:
    def space(*ids: str) -> Embeddings:
        return Embeddings(ids, np.ones((len(ids), 2), np.float32), {"fold": 1})

    guesses = [Guesses((table("n1", "n2"),))]
    learnt = replace(space("c2", "n2", "n1"), provenance={"out_of_fold": False})
    with pytest.raises(DataError, match="embeddings must come from a network that did not learn from the doubtful"):
        Case.of(MANIFEST, guesses, [learnt])
    assert Case.of(MANIFEST, guesses, [learnt], vouched=True).spaces
    case = Case.of(MANIFEST, guesses, [space("c2", "n2", "n1")])
    assert case.spaces[0].fold == 1 and np.isnan(case.spaces[0].trusted[0]).all()
    with pytest.raises(DataError, match="1 of 2 noisy clips have no vector"):
        Case.of(MANIFEST, guesses, [space("c1", "n1")])
    with pytest.raises(DataError, match="hold no curated clip"):
        Case.of(MANIFEST, guesses, [space("n1", "n2")])
