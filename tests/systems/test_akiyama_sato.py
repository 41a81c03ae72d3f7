"""The outline of akiyama_sato has the values of its source: six models, their snapshots, paddings and weights."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.models.network import n_parameters
from earmark.stages.budget import Budget
from earmark.stages.sequence.plan import Plan
from earmark.stages.sequence.predicting import Predicting
from earmark.stages.sequence.training import Training
from earmark.systems.akiyama_sato import AkiyamaSato
from tests.contracts.test_systems import plan_of


def stage_of(plan: Plan, name: str):
    return next(stage for stage in plan.stages if stage.name == name)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(AkiyamaSato(), "each")


def test_nets_are_as_large_as_those_of_the_program(plan: Plan) -> None:
    sizes = {
        stage.name: n_parameters(stage.recipe.model.build(stage.recipe.spec, 80))
        for stage in plan.stages
        if isinstance(stage, Training)
    }
    assert {sizes[f"model{number}"] for number in (1, 2, 3)} == {24_592_224}
    assert {sizes[name] for name in ("waves", "model4", "model5", "model6")} == {7_882_976}


@pytest.mark.parametrize(
    ("name", "epochs", "period", "batch", "slice_s", "start"),
    [
        ("model1", 512, 64, 64, 512 * 347 / 44100, None),
        ("model2", 448, 64, 32, 512 * 347 / 44100, "model1"),
        ("model3", 384, 64, 64, 1024 * 347 / 44100, None),
        ("waves", 400, 400, 16, 133_300 / 44100, None),
        ("model4", 240, 80, 64, 133_300 / 44100, "waves"),
        ("model5", 400, 80, 16, 133_300 / 44100, "waves"),
        ("model6", 800, 80, 16, 200_000 / 44100, "waves"),
    ],
)
def test_each_model_is_trained_as_its_row_of_the_table_says(
    plan: Plan, name: str, epochs: int, period: float, batch: int, slice_s: float, start: str | None
) -> None:
    stage = stage_of(plan, name)
    recipe = stage.recipe
    assert (stage.start.name if stage.start else None) == start
    assert (recipe.training.epochs, recipe.training.schedule.period_epochs) == (epochs, period)
    assert {recipe.streams[each].batch_size for each in ("curated", "noisy")} == {batch}
    assert recipe.view[1].length_s == pytest.approx(slice_s, rel=1e-4)
    for stream in recipe.streams.values():
        assert (stream.crop.length_s or stream.crop.shortest_s) >= recipe.view[1].length_s
    softmax = name in ("waves", "model5", "model6")
    assert {part.term.loss.kind for part in recipe.objective.values()} - {"mse"} == {"softmax_kl" if softmax else "bce"}
    top, floor = recipe.training.optimizer.top_lr, recipe.training.schedule.floor
    assert (top, top * floor) == (pytest.approx(0.001 if recipe.view[0].kind == "mel" else 0.1), pytest.approx(1e-6))


def test_soft_guesses_are_learnt_as_the_source_has_it(plan: Plan) -> None:
    second, asked = stage_of(plan, "model2").recipe, stage_of(plan, "guess").settings
    part = second.objective["guesses"]
    assert part.weight == 20 and part.term.loss.kind == "mse" and part.term.origins == ("noisy",)
    assert part.term.sharpening.model_dump() == {"kind": "power", "exponent": 2.0, "sum_to_one": True}
    assert asked.snapshots and asked.cycles is None and asked.mean == "probability"
    assert second.streams["both"].batch_size == 32 and second.streams["both"].origins == {"curated": 1, "noisy": 1}
    assert (second.view[1].p, stage_of(plan, "model1").recipe.view[1].p) == (0.5, 0.0), "additional slicing"


def test_guesses_of_all_folds_are_said_to_leak() -> None:
    def leaks(fold: str, **settings: str) -> bool:
        model = stage_of(plan_of(AkiyamaSato(models=(2,), **settings), fold), "model2")
        return bool(model.recipe.objective["guesses"].term.guesses.leak)

    assert not leaks("each")
    assert leaks("each", guesses="all_folds")
    assert not leaks("1", guesses="all_folds"), "a single model has held its fold out"


@pytest.mark.parametrize(("submission", "predictions"), [(1, 34), (2, 19)])
def test_submissions_are_as_many_predictions_a_fold_as_published(submission: int, predictions: int) -> None:
    plan = plan_of(AkiyamaSato(submission=submission), "each")
    heard = [stage.settings for stage in plan.stages if isinstance(stage, Predicting)]
    assert sum(len(each.cycles) * len(each.hearing.pads_s) for each in heard) == predictions
    assert [each.hearing.fill for each in heard] == ["floor"] * 3 + ["silence"] * 3
    assert [each.softmax for each in heard] == [False] * 4 + [True] * 2
    columns = [pad * 44100 / 347 for each in heard[:3] for pad in each.hearing.pads_s]
    samples = [pad * 44100 for each in heard[3:] for pad in each.hearing.pads_s]
    assert columns == pytest.approx(([8, 64] if submission == 1 else [8]) * 3, abs=0.01)
    expected = [0, 32_000, 8_000, 32_000, 8_000, 32_000] if submission == 1 else [8_000] * 3
    assert samples == pytest.approx(expected, abs=0.5)
    together = plan.stages[-1]
    assert together.settings.blend.kind == "akiyama_sato" and len(together.members) == 6


@pytest.mark.parametrize("name", ["model1", "model2", "model3"])
def test_masks_and_gain_are_those_of_the_report_and_as_legacy_those_of_the_program(plan: Plan, name: str) -> None:
    as_run = plan_of(AkiyamaSato(legacy=True), "each")
    for each, factors, narrowest, widest in ((plan, (0.8, 1.2), 8, 32), (as_run, (0.9, 1.1), 16, 62)):
        recipe = stage_of(each, name).recipe
        gain, mask = recipe.view[3:5]
        assert (gain.law, gain.low_factor, gain.high_factor) == ("factor", *factors)
        n = 2000
        clips = waves(torch.ones(n, 1), torch.ones(n, dtype=torch.int64), 1.0, tuple(map(str, range(n))), 1)
        widths = mask.draw(clips, torch.Generator().manual_seed(0)).widths
        widths = widths[widths > 0]
        assert (int(widths.min()), int(widths.max())) == (narrowest, widest)


def test_a_softmax_is_learnt_from_distributions_and_as_legacy_from_labels_as_they_are(plan: Plan) -> None:
    as_run = plan_of(AkiyamaSato(legacy=True), "each")
    for each, shares in ((plan, True), (as_run, False)):
        for name in ("model5", "model6"):
            parts = stage_of(each, name).recipe.objective
            assert {part.term.loss.normalise for part in parts.values()} == {shares}, name
    assert stage_of(as_run, "model4").recipe.objective["labels"].term.loss.kind == "bce"


def test_legacy_is_what_the_program_did() -> None:
    plan = plan_of(AkiyamaSato(legacy=True), "each")
    for name in ("model1", "model2", "model3", "model4"):
        assert stage_of(plan, name).recipe.objective["noisy"].term.loss.double_sigmoid
    second = stage_of(plan, "model2").recipe
    assert second.streams["curated"].batch_size == 64 and second.view[1].legacy
    scaled, _, mixed = stage_of(plan, "model5").recipe.view[:3]
    assert scaled.interpolation == "nearest" and mixed.legacy
    sixth = stage_of(plan, "model6")
    assert sixth.start.name == "waves-longer" and sixth.start.start is None
    assert sixth.recipe.training.epochs == sixth.start.recipe.training.epochs == 400
    assert stage_of(plan, "model6-heard").settings.cycles == (2, 4), "seven and nine, less the first five"
    assert plan.stages[-1].settings.blend.legacy


def test_only_what_is_asked_for_is_trained() -> None:
    names = [stage.name for stage in plan_of(AkiyamaSato(models=(3, 5)), "1").stages]
    assert names == ["model3", "waves", "model5", "model3-heard", "model5-heard", "ensemble"]
    with pytest.raises(SettingsError, match=r"numbered from 1 to 6 and named once, in their order, got \[2, 1\]"):
        read(AkiyamaSato, {"models": [2, 1]})


def test_snapshots_are_found_within_any_budget() -> None:
    for share in (0.3, 0.05, 0.01, 0.002):
        plan_of(AkiyamaSato(), "1", Budget(epochs=share))
