"""The outline of the system of Paderborn: fifteen models vote on noisy labels, and nine learn from what comes of it."""

from __future__ import annotations

import pytest

from earmark.cleaning.rules.agreement import Agreement
from earmark.models.network import n_parameters
from earmark.stages.sequence.training import Training
from earmark.systems.upb import UPB
from tests.contracts.test_systems import CLASSES, plan_of


@pytest.mark.parametrize("fold", ["each", "1", "none"])
def test_models_of_all_folds_relabel_whatever_is_held_out_in_the_end(fold: str) -> None:
    plan = plan_of(UPB(), fold)
    trained = [stage for stage in plan.stages if isinstance(stage, Training)]
    first, last = trained[:3], trained[3:]
    assert [stage.name for stage in first] == ["repeat-3", "repeat-5", "repeat-7"]
    assert {stage.fold for stage in first} == {"each"} and {stage.fold for stage in last} == {fold}
    assert len(last) == 9 and list(plan.stages[-1].reads) == last
    rules = [stage for stage in plan.stages if stage.kind == "clean"]
    assert [stage.labels for stage in last] == [rule for rule in rules for _ in range(3)]
    assert all([guess.by for guess in rule.guesses] == first for rule in rules)


def test_curated_clips_are_repeated_and_noisy_labels_have_a_head_of_their_own() -> None:
    plan = plan_of(UPB(repeats=(5,)), "each")
    first = plan.stages[0].recipe
    assert first.streams["clips"].origins == {"curated": 5, "noisy": 0.5}, "there are as many of both here"
    parts = {name: (part.term.head, part.term.origins, part.weight) for name, part in first.objective.items()}
    assert parts == {
        "labels": ("main", ("curated",), len(CLASSES)),
        "noisy": ("noisy", ("noisy",), len(CLASSES)),
    }
    last = plan.stages[-2].recipe
    assert list(last.model.heads) == ["main"] and last.objective["labels"].term.origins is None
    assert last.objective["labels"].weight == len(CLASSES)
    alone = plan_of(UPB(repeats=(5,), multi_task=False), "each").stages[0].recipe
    assert list(alone.objective) == ["labels"] and alone.objective["labels"].term.origins is None


def test_the_first_nets_may_be_the_end() -> None:
    plan = plan_of(UPB(relabelled=()), "1")
    assert [stage.name for stage in plan.stages] == ["repeat-3", "repeat-5", "repeat-7", "ensemble"]
    assert {stage.fold for stage in plan.stages} == {"1"}


def test_the_ways_of_counting_differ_by_one_vote_of_three() -> None:
    shares = [0, 1 / 3, 2 / 3, 1]
    for n, rule in enumerate(UPB().relabelled, start=1):
        assert isinstance(rule, Agreement)
        assert [share >= rule.keep for share in shares] == [number >= n for number in range(4)]
        assert [share <= rule.drop for share in shares] == [number < n for number in range(4)], "no label is in doubt"
        assert rule.add == rule.keep


def test_the_net_and_its_training_are_the_published_ones() -> None:
    recipe = plan_of(UPB(), "each").stages[-2].recipe
    assert round(n_parameters(recipe.model.build(recipe.spec, 80)) / 1e6, 2) == 2.65
    steps = (4970 + 19815) // recipe.streams["clips"].batch_size * recipe.training.epochs
    assert steps == pytest.approx(200_000, rel=0.01)
    assert (recipe.training.average.kind, recipe.training.average.from_share) == ("swa", 0.75)
    assert recipe.spec.rate_hz == 50 and recipe.training.clip_norm == 15
