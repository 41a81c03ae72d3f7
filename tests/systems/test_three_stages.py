"""The outline of three_stages has the values of its source, and it runs from sounds to scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.data.folds.stratified import Stratified
from earmark.data.tables import read_manifest, read_predictions
from earmark.demo.dataset import DemoSettings, generate
from earmark.models.network import n_parameters
from earmark.schedules.schedule import Place
from earmark.stages.budget import Budget
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan
from earmark.systems.three_stages import ThreeStages
from tests.contracts.test_systems import plan_of


def stage_of(plan: Plan, name: str):
    return next(stage for stage in plan.stages if stage.name == name)


def test_three_stages_are_those_of_the_source() -> None:
    plan = plan_of(ThreeStages(), "1")
    names = ["draw", "warm-up", "fine-tune", "guess", "filter", "semi-supervised"]
    assert [stage.name for stage in plan.stages] == names
    warm, tuned, last = (stage_of(plan, name).recipe for name in ("warm-up", "fine-tune", "semi-supervised"))
    assert [each.training.epochs for each in (warm, tuned, last)] == [100, 100, 50]
    assert [each.view[2].p for each in (warm, tuned, last)] == [0, 0, 1], "SpecAugment is for the last stage"
    assert warm.streams["labelled"].origins == {"noisy": 1} and warm.streams["labelled"].batch_size == 8
    assert {name: stream.batch_size for name, stream in last.streams.items()} == {"labelled": 4, "unlabelled": 4}
    alike = last.objective["alike"]
    assert alike.weight == 0.01 and alike.streams == ("labelled", "unlabelled")
    assert n_parameters(tuned.model.build(tuned.spec, 80)) == 4_765_457
    schedule, steps = tuned.training.schedule, 3976 // 8
    bottom = schedule(Place(step=round(120.7 * steps), steps_per_epoch=steps, n_epochs=200))
    assert bottom == pytest.approx(1e-3, rel=1e-3) and 120.7 * steps == pytest.approx(200 * 300, rel=1e-3)


@pytest.mark.parametrize("share", [1, 1 / 8])
def test_the_rate_of_the_last_stage_falls_by_steps_however_many_clips_are_labelled(share: float) -> None:
    plan = plan_of(ThreeStages(), "1", n_each=round(4970 * share))
    schedule = stage_of(plan, "semi-supervised").recipe.training.schedule

    def rate(n_labelled: float, epoch: float) -> float:
        steps = round(n_labelled * share) // 4
        return schedule(Place(step=round(epoch * steps), steps_per_epoch=steps, n_epochs=50))

    assert rate(3976, 50) == pytest.approx(0.07, abs=0.01), "49,700 of the 60,000 steps to the bottom"
    assert rate(9800, 24.5) == pytest.approx(1e-3, abs=1e-3) and rate(9800, 12.2) == pytest.approx(0.5, abs=0.02)
    assert rate(9800, 49) == pytest.approx(1, abs=0.01), "and up again"


def test_the_rate_of_the_last_stage_keeps_its_shape_within_a_budget_and_where_all_clips_are_learnt_from() -> None:
    for fold, budget, n_learnt in (("1", Budget(epochs=0.1), 3976), ("none", None, 4970)):
        training = stage_of(plan_of(ThreeStages(), fold, budget, n_each=4970), "semi-supervised").recipe.training
        last = Place(training.epochs * (n_learnt // 4), n_learnt // 4, training.epochs)
        assert training.schedule(last) == pytest.approx(0.07, abs=0.01), fold


def test_the_best_weights_are_looked_for_after_each_epoch_among_clips_that_were_put_aside() -> None:
    best, last = plan_of(ThreeStages(keep_best=True), "1"), plan_of(ThreeStages(), "1")
    for name in ("warm-up", "fine-tune", "semi-supervised"):
        training = stage_of(best, name).recipe.training
        assert training.score_epochs == 1 and training.early_stopping.patience_epochs == training.epochs
        assert training.puts_aside and not training.chosen_by_held_out
        assert stage_of(last, name).recipe.training.early_stopping is None


def test_the_legacy_of_three_stages_is_what_its_program_did() -> None:
    plan = plan_of(ThreeStages(legacy=True, keep_best=True), "1")
    assert stage_of(plan, "filter").settings.rule.legacy_unwritten
    last = stage_of(plan, "semi-supervised").recipe
    assert last.objective["alike"].term.activation == "softmax"
    assert last.training.early_stopping.patience_epochs == 50
    assert not stage_of(plan, "guess").settings.legacy_in_training, "which would show no effect there"


def test_the_net_of_the_filter_may_be_left_in_training_by_itself() -> None:
    plan = plan_of(ThreeStages(legacy_filter=True), "1")
    assert stage_of(plan, "guess").settings.legacy_in_training
    assert not stage_of(plan, "filter").settings.rule.legacy_unwritten
    assert stage_of(plan, "semi-supervised").recipe == stage_of(plan_of(ThreeStages(), "1"), "semi-supervised").recipe


@pytest.mark.slow
@pytest.mark.parametrize("fold", ["0", "each"])
def test_it_runs_from_sounds_to_scores_and_then_has_nothing_left_to_do(fold: str, tmp_path: Path) -> None:
    generate(tmp_path / "sounds", DemoSettings(size=0.05, longest_s=2.0), workers=1)
    (tmp_path / "sounds" / "meta.csv").unlink()  # it says which clips were recorded together: too many for so few
    small = Budget(epochs=0.01, widths=0.06, seconds=0.3)

    def planned() -> Plan:
        ground = Ground(tmp_path / "sounds", store=tmp_path / "store", folds=Stratified(n_folds=2), device="cpu")
        plan = Plan(ground, fold=fold, seed=1, budget=small)
        ThreeStages(per_class=1, top=17).outline(plan)
        return plan

    out = tmp_path / "out"
    rows = carry_out(planned(), out)
    assert {row["state"] for row in rows} == {"finished"}
    places = {row["stage"]: out / row["folder"] for row in rows}
    for row in rows:
        if row["stage"] in ("warm-up", "fine-tune", "semi-supervised"):
            assert row["scores"][0]["lwlrap"]["value"] > 0
            held_out = read_predictions(places[row["stage"]] / "predictions" / "held_out.parquet")
            assert set(held_out.folds.tolist()) == ({0, 1} if fold == "each" else {0})
    assert read_manifest(places["filter"]).where(part="train", origin="noisy").ids
    stamps = {place: place.stat().st_mtime_ns for place in out.glob("*/**/*.safetensors")}
    assert carry_out(planned(), out) == rows
    assert stamps == {place: place.stat().st_mtime_ns for place in out.glob("*/**/*.safetensors")}
