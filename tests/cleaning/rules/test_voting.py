"""Rules in which somebody votes: models, neighbours, strangeness, and all of them together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earmark.cleaning.case import Case, Guesses, Space
from earmark.cleaning.judge import judge
from earmark.cleaning.opinion import Verdict
from earmark.cleaning.rules.agreement import Agreement, votes
from earmark.cleaning.rules.combined import Combined
from earmark.cleaning.rules.neighbours import Neighbours
from earmark.cleaning.rules.open_set import OpenSet, strangeness
from earmark.cleaning.rules.scoring import Scoring
from earmark.core.errors import SettingsError
from tests.cleaning.cases import case_of, guesses_of, manifest_of, world


def test_models_vote_by_thresholds_of_their_own() -> None:
    sure = np.array([[0.9, 0.6, 0.1], [0.8, 0.2, 0.1]])
    shy = sure / 10
    share = votes(np.stack([sure, shy]), expected=1.0)
    assert share.tolist() == [[1, 0, 0], [1, 0, 0]]
    quiet = np.stack([sure, np.full_like(sure, np.nan)])
    quiet[1, 0] = [0.1, 0.1, 0.9]
    assert votes(quiet, expected=1.0).tolist() == [[0.5, 0, 0.5], [1, 0, 0]], "who has no say does not count"


def test_agreement_by_hand() -> None:
    labels = {"n1": ["Bark"], "n2": ["Bark"], "n3": ["Tap"]}
    one = {"n1": [0.9, 0, 0, 0.1], "n2": [0.1, 0.9, 0, 0], "n3": [0, 0, 0.9, 0.1]}
    two = {**one, "n2": [0.9, 0.1, 0, 0]}
    found = Agreement(expected=1.0, keep=0.8)(case_of(labels, one, two))
    assert found.verdicts[:, 0].tolist() == [1, 4, 0], "both, one of two, none asked"
    assert found.verdicts[2].tolist() == [0, 0, 3, 2]
    with pytest.raises(SettingsError, match="asks 2 or more models, but the predictions come from 1"):
        Agreement()(case_of(labels, one))


def near_case(
    trusted: dict[str, tuple[list[str], list[float]]], doubtful: dict[str, tuple[list[str], list[float]]]
) -> Case:
    labels = {name: each[0] for name, each in (trusted | doubtful).items()}
    case = Case.of(manifest_of(labels), [guesses_of({name: [0.5] * 4 for name in doubtful})])
    vectors = [np.array([each[1] for each in side.values()], np.float32) for side in (doubtful, trusted)]
    return replace(case, spaces=(Space(vectors[0], vectors[1], None),))


def test_neighbours_by_hand() -> None:
    bark, tap = [[1.0, 0.1], [1.0, -0.1]], [[-1.0, 0.1], [-1.0, -0.1]]
    trusted = {f"c{i}": (["Bark"], v) for i, v in enumerate(bark)} | {
        f"c{i + 2}": (["Tap"], v) for i, v in enumerate(tap)
    }
    doubtful = {"n1": (["Bark"], [2.0, 0.0]), "n2": (["Bark"], [-2.0, 0.0]), "n3": (["Rain", "Tap"], [-1.0, 0.0])}
    doubtful["n4"] = (["Tap"], [1.0, 0.0])  # so that the doubtful side too has its mean at zero
    found = Neighbours(k=2)(near_case(trusted, doubtful))
    assert [found.verdicts[i].tolist() for i in range(4)] == [[1, 0, 0, 0], [2, 0, 0, 3], [0, 0, 2, 1], [3, 0, 0, 2]]
    np.testing.assert_allclose(found.seen["share"][0], [1, 0, 0, 0], atol=1e-9)
    assert found.strange is not None and (found.strange < 0.01).all()


def test_strangeness_knows_what_fits_no_class() -> None:
    p = np.array([[0.9, 0.1, 0.1], [0.2, 0.1, 0.1], [0.9, 0.9, 0.1]])
    assert strangeness(p, "max").argmax() == 1 and strangeness(p, "energy").argmax() == 1
    assert strangeness(p, "energy").argmin() == 2, "two classes are less strange than one"
    wanted = -np.log1p(p / (1 - p)).sum(axis=1)
    np.testing.assert_allclose(strangeness(p, "energy"), wanted)


def test_strangers_are_told_by_trusted_clips_or_by_a_share() -> None:
    one = world(150)
    case, truth = one.case, one.truth_of(one.case)
    found = OpenSet(accept=0.9)(case)
    measured = judge(found, case.labels, truth)["out_of_vocabulary"]
    assert measured.auroc > 0.8 and measured.recall > 0.3
    by_share = OpenSet(share=0.2)(case)
    assert (by_share.verdicts == Verdict.OUT_OF_VOCABULARY).any(axis=1).mean() == pytest.approx(0.2, abs=0.01)
    with pytest.raises(SettingsError, match="score: distance looks at embeddings"):
        OpenSet(score="distance")(replace(case, spaces=()))
    blind = Case.of(one.manifest, [Guesses(one.guesses[0].parts[:1])])
    with pytest.raises(SettingsError, match="no curated clip out of fold"):
        OpenSet()(blind)
    OpenSet(share=0.1)(blind)


@pytest.mark.parametrize("seed", range(2))
def test_all_together_are_better_than_one_and_say_honest_chances(seed: int) -> None:
    one = world(300, seed=seed, skill=0.8)
    case, truth = one.case, one.truth_of(one.case)
    found = Combined()(case)
    both, alone = (judge(each, case.labels, truth)["right"].auroc for each in (found, Scoring()(case)))
    assert both > alone + 0.01, "neighbours and votes know more than ranks"
    assert found.p is not None
    p, right = found.p[case.labels], truth[case.labels]
    assert abs(p.mean() - right.mean()) < 0.12
    assert right[p > 0.8].mean() > 0.8 and right[p < 0.2].mean() < 0.3
    measured = judge(found, case.labels, truth)
    assert measured["out_of_vocabulary"].auroc > 0.75 and measured["incomplete"].auroc > 0.7
    assert {"scoring", "top_intersection", "confident_learning", "open_set", "agreement", "neighbours"} == set(
        found.said
    )


@pytest.mark.parametrize("share", [0.0, 0.15, 0.5])
def test_the_combination_learns_how_many_labels_are_wrong(share: float) -> None:
    one = world(300)
    truth = one.truth_of(one.case)
    holds = truth.any(axis=1)
    labels, draw = truth.copy(), np.random.default_rng(1)
    for row in np.flatnonzero(holds):
        if draw.random() < share:
            labels[row] = np.arange(labels.shape[1]) == draw.choice(np.flatnonzero(~truth[row]))
    case = replace(one.case, labels=labels & holds[:, None])
    found = Combined()(case)
    assert found.p is not None
    wrong = (case.labels & ~truth).sum() / case.labels.sum()
    assert 1 - found.p[case.labels].mean() == pytest.approx(wrong, abs=0.05)
    kept = found.verdicts[case.labels & truth] == Verdict.KEEP
    assert kept.mean() > (0.99 if share == 0 else 0.85), "right labels are not dropped for want of wrong ones"


def few_trusted(case: Case, n: int) -> Case:
    guess = case.guesses[0]
    told = guess.trusted_p.copy()
    told[n:] = np.nan
    return replace(case, guesses=(replace(guess, trusted_p=told),))


def one_model(case: Case) -> Case:
    return replace(case, guesses=(replace(case.guesses[0], members=case.guesses[0].members[:1]),))


def single_labels(case: Case) -> Case:
    return replace(
        case,
        labels=case.labels & (np.cumsum(case.labels, axis=1) == 1),
        trusted_labels=case.trusted_labels & (np.cumsum(case.trusted_labels, axis=1) == 1),
    )


def class_without_trusted(case: Case) -> Case:
    return replace(case, trusted_labels=case.trusted_labels & (np.arange(len(case.classes)) != 2))


LESS = {
    "one model": one_model,
    "no embeddings": lambda case: replace(case, spaces=()),
    "ten trusted clips": lambda case: few_trusted(case, 10),
    "two trusted clips": lambda case: few_trusted(case, 2),
    "single labels": single_labels,
    "a class without trusted clips": class_without_trusted,
    "one model, no embeddings, ten trusted clips": lambda case: few_trusted(one_model(replace(case, spaces=())), 10),
}


@pytest.mark.parametrize("less", LESS)
def test_the_combination_works_with_less(less: str) -> None:
    one = world(200, seed=3)
    case, truth = LESS[less](one.case), one.truth_of(one.case)
    found = Combined()(case)
    assert found.p is not None and np.isfinite(found.p).all() and np.isfinite(found.belief).all()
    measured = judge(found, case.labels, truth)
    assert measured["right"].auroc > 0.85 and measured["faulty"].f1 > 0.7


def test_the_combination_needs_trusted_guesses() -> None:
    one = world(60)
    case = Case.of(one.manifest, [Guesses(one.guesses[0].parts[:1], name="noisy only")])
    with pytest.raises(SettingsError, match=r"rule 'combined' learns from trusted.*held out a fold.*or take a rule"):
        Combined()(case)
