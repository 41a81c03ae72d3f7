"""The outline of schoneveld: a net, and what its blog tried with noisy clips."""

from __future__ import annotations

import pytest

from earmark.models.network import n_parameters
from earmark.objectives.sharpening.top_k import TopK
from earmark.stages.recipe import Recipe
from earmark.systems.schoneveld import Schoneveld
from tests.contracts.test_systems import plan_of


def recipe_of(**settings: object) -> Recipe:
    return plan_of(Schoneveld(**settings), "1").stages[-1].recipe


def test_the_net_is_that_of_the_blog_and_of_the_kernel_that_it_builds_on() -> None:
    recipe = recipe_of()
    assert list(recipe.streams) == ["curated"] and recipe.spec.n_channels == 3
    channels = recipe.model.encoder.build(recipe.spec).n_channels
    assert channels == 963, "512 of the last block and 451 that it was given"
    assert n_parameters(recipe_of(skip=False).model.build(recipe.spec, 80)) == 4_765_457, "as the kernel has it"
    assert recipe.inference.hearing.kind == "crops" and recipe.inference.hearing.n == 5
    assert recipe.view[-1].kind == "mixup" and recipe_of(mixup=False).view[-1].p == 0


@pytest.mark.parametrize("unlabelled", ["vat", "mean_teacher", "mixmatch"])
def test_noisy_clips_are_learnt_from_without_their_labels(unlabelled: str) -> None:
    plain, legacy = (recipe_of(unlabelled=unlabelled, legacy=each, weight=3) for each in (False, True))
    for recipe in (plain, legacy):
        assert recipe.streams["noisy"].origins == {"noisy": 1}
        labelled = [part for part in recipe.objective.values() if part.term.kind == "supervised"]
        assert all(part.streams == ("curated",) for part in labelled)
    ours, theirs = (next(p for p in each.objective.values() if p.term.kind == unlabelled) for each in (plain, legacy))
    assert ours.term != theirs.term
    if unlabelled == "mixmatch":
        assert theirs.term.sharpening.kind == "sigmoid_twice" and ours.term.sharpening.kind == "logit_temperature"
        assert ours.streams == ("curated", "noisy") and ours.term.guessed_weight == 3
    else:
        assert ours.streams == ("noisy",) and ours.weight == 3
    if unlabelled == "vat":
        assert (theirs.term.scale, theirs.term.probe, theirs.term.step) == ("absolute", 10, 1)
    if unlabelled == "mean_teacher":
        assert (theirs.term.buffers, theirs.term.every) == ("left", "epoch")


def test_guesses_of_the_first_net_teach_the_second_one() -> None:
    plan = plan_of(Schoneveld(unlabelled="pseudo_labels", sharpening=TopK()), "each")
    net, guesses, again = plan.stages
    (table,) = again.tables.values()
    assert guesses.by is net and table.stage is guesses and table.own
    term = again.recipe.objective["noisy"].term
    assert term.sharpening == TopK() and not term.guesses.leak


def test_hinge_takes_labels_that_are_there_or_not() -> None:
    recipe = recipe_of(loss="hinge")
    assert recipe.objective["labels"].term.loss.kind == "hinge" and recipe.view[-1].labels == "union"
