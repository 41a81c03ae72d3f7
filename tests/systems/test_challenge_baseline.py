"""The outline of challenge_baseline has the values of its source."""

from __future__ import annotations

import pytest

from earmark.models.network import n_parameters
from earmark.models.statistics import batch_norms
from earmark.schedules.schedule import Place
from earmark.stages.budget import Budget
from earmark.stages.recipe import read_recipe
from earmark.stages.sequence.plan import Plan
from earmark.systems.challenge_baseline import ChallengeBaseline
from tests.contracts.test_systems import plan_of


def test_it_learns_from_noisy_clips_and_then_from_curated_ones() -> None:
    noisy, curated = (stage for stage in plan_of(ChallengeBaseline(), "1").stages)
    assert curated.start is noisy
    assert noisy.recipe.streams["clips"].origins == {"noisy": 1}
    assert curated.recipe.streams["clips"].origins == {"curated": 1}
    for stage, epochs, lr, dropped, smoothing in ((noisy, 10, 1e-4, 0.2, 0.3), (curated, 100, 3e-3, 0.4, 0.1)):
        training, term = stage.recipe.training, stage.recipe.objective["labels"].term
        assert (training.epochs, training.optimizer.top_lr) == (epochs, lr)
        assert stage.recipe.model.heads["main"].input_dropout == dropped and term.loss.smoothing == smoothing
        assert stage.recipe.streams["clips"].batch_size == 64
    later = Place(step=500, steps_per_epoch=100, n_epochs=100)
    assert noisy.recipe.training.schedule(later) == 1
    assert curated.recipe.training.schedule(later) == pytest.approx(0.94**2), "after twice 2.5 epochs"


def test_net_pictures_and_use_are_those_of_the_source() -> None:
    recipe = plan_of(ChallengeBaseline(), "1").stages[-1].recipe
    assert n_parameters(recipe.model.build(recipe.spec, 80)) == pytest.approx(3.3e6, rel=0.01)
    assert (recipe.spec.rate_hz, recipe.spec.n_bands) == (100, 96)
    hearing = recipe.inference.hearing
    assert (hearing.kind, hearing.length_s, hearing.hop_s, hearing.pool) == ("slices", 1, 0.5, "probability")


def test_an_epoch_has_a_batch_for_as_many_windows_as_there() -> None:
    plan = plan_of(ChallengeBaseline(), "1")
    assert [stage.recipe.training.steps_per_epoch for stage in plan.stages] == [
        round(20 * 9148 / 19815),
        round(20 * 1217 / 4970),
    ]


def test_running_statistics_reach_back_as_far_in_passes_as_there(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = read_recipe("challenge_baseline")
    norms = batch_norms(recipe.model.build(recipe.spec, 80).encoder)
    assert norms and [norm.momentum for norm in norms] == pytest.approx([0.0003] * len(norms), rel=1e-4)
    monkeypatch.setattr(Plan, "n_clips", lambda _, origin: {"noisy": 19815, "curated": 4970}[origin])
    whole, small = (plan_of(ChallengeBaseline(), "1", Budget(epochs=share)) for share in (1, 0.1))
    assert [stage.recipe.model.encoder.norm_steps for stage in whole.stages] == [3333.3, 3333.3]
    assert [stage.recipe.model.encoder.norm_steps for stage in small.stages] == pytest.approx([333.33, 333.33])
    monkeypatch.setattr(Plan, "n_clips", lambda _, origin: {"noisy": 1981.5, "curated": 49}[origin])
    less = plan_of(ChallengeBaseline(), "1")
    assert [stage.recipe.model.encoder.norm_steps for stage in less.stages] == [333.3, 32.9]
    assert plan_of(ChallengeBaseline(), "1", Budget(epochs=0.001)).stages[0].recipe.model.encoder.norm_steps == 10
