"""What the sources published stands in the outlines and recipes; and each system runs, from sounds to scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earmark.cleaning.rules.scoring import Scoring
from earmark.data.tables import read_manifest, read_predictions
from earmark.demo.dataset import DemoSettings, generate
from earmark.models.network import n_parameters
from earmark.stages.budget import Budget
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.cleaning import Cleaning
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan
from earmark.stages.sequence.training import Training
from earmark.systems.select_and_retrain import SelectAndRetrain
from earmark.systems.soft_pseudo_labels import SoftPseudoLabels
from earmark.systems.system import System
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
    from earmark.schedules.schedule import Place

    bottom = schedule(Place(step=round(120.7 * steps), steps_per_epoch=steps, n_epochs=200))
    assert bottom == pytest.approx(1e-3, rel=1e-3) and 120.7 * steps == pytest.approx(200 * 300, rel=1e-3)


def test_the_legacy_of_three_stages_is_what_its_program_did() -> None:
    plan = plan_of(ThreeStages(legacy=True, keep_best=True), "1")
    assert stage_of(plan, "filter").settings.rule.legacy_unwritten
    last = stage_of(plan, "semi-supervised").recipe
    assert last.objective["alike"].term.activation == "softmax"
    assert last.training.early_stopping.patience_epochs == 50


def test_selection_grows_as_the_source_has_it_and_by_the_share_of_other_data() -> None:
    assert SelectAndRetrain()._numbers(19815) == [1000, 2000, 3000, 4000, 5000]
    assert SelectAndRetrain()._numbers(1685) == [85, 170, 255, 340, 425]
    assert SelectAndRetrain(of=None)._numbers(1685) == [1000, 2000, 3000, 4000, 5000]
    plan = plan_of(SelectAndRetrain(clips=(1000, 2000), predicted=True), "each")
    names = ["curated", "guess-1", "choose-1", "round-1", "guess-2", "choose-2", "round-2"]
    assert [stage.name for stage in plan.stages] == [*names, "guess-rest", "predict-labels", "predicted"]
    assert stage_of(plan, "choose-2").settings.rule == Scoring(k=2, share_noisy=False)
    assert stage_of(plan, "guess-2").otherwise is stage_of(plan, "guess-1")
    first, second = (stage_of(plan, name).recipe for name in ("curated", "round-1"))
    sizes = [n_parameters(each.model.build(each.spec, 80)) for each in (first, second)]
    assert [round(size / 1e6, 2) for size in sizes] == [9.25, 21.55], "as the published programs have them"
    assert (second.training.epochs, second.training.augment_epochs) == (150, 140)
    assert second.streams["curated"].sampling == "once"


def test_soft_labels_are_learnt_as_the_source_has_it() -> None:
    plan = plan_of(SoftPseudoLabels(), "each")
    first, second = stage_of(plan, "two-tasks").recipe, stage_of(plan, "soft-labels").recipe
    assert n_parameters(first.model.build(first.spec, 80)) == pytest.approx(24.5e6, rel=0.01)
    assert (first.training.epochs, second.training.epochs) == (512, 448)
    part = second.objective["guesses"]
    assert part.weight == 20 and part.term.loss.kind == "mse" and part.term.origins == ("noisy",)
    assert part.term.sharpening.model_dump() == {"kind": "power", "exponent": 2.0, "sum_to_one": True}
    assert stage_of(plan, "guess").settings.snapshots and second.streams["both"].batch_size == 32


def test_guesses_of_all_folds_are_said_to_leak() -> None:
    own = stage_of(plan_of(SoftPseudoLabels(), "each"), "soft-labels")
    everybody = stage_of(plan_of(SoftPseudoLabels(guesses="all_folds"), "each"), "soft-labels")
    alone = stage_of(plan_of(SoftPseudoLabels(guesses="all_folds"), "1"), "soft-labels")
    leaks = [each.recipe.objective["guesses"].term.guesses.leak for each in (own, everybody, alone)]
    assert leaks == [False, True, False], "a single model has held its fold out"


SMALL = Budget(epochs=0.01, widths=0.06, seconds=0.3)
BATCHES = {
    "three_stages": ["warm-up", "fine-tune"],
    "select_and_retrain": ["curated", "round-1", "round-2"],
    "soft_pseudo_labels": ["two-tasks", "soft-labels"],
}
STREAMS = {"three_stages": ["labelled"], "select_and_retrain": ["curated"], "soft_pseudo_labels": ["curated", "noisy"]}
CHANGED = {
    "three_stages": ThreeStages(per_class=1, top=17),
    "select_and_retrain": SelectAndRetrain(clips=(4000, 8000), predicted=False),
    "soft_pseudo_labels": SoftPseudoLabels(guesses="all_folds"),
}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("systems")
    generate(folder / "sounds", DemoSettings(size=0.05, longest_s=2.0), workers=1)
    (folder / "sounds" / "meta.csv").unlink()  # it says which clips were recorded together
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("fold", ["0", "each"])
@pytest.mark.parametrize("kind", sorted(System.members()))
def test_each_runs_from_sounds_to_scores_and_then_has_nothing_left_to_do(
    kind: str, fold: str, sounds: Path, tmp_path: Path
) -> None:
    system = CHANGED.get(kind) or System.named(kind)()
    changes = [f"{stage}.streams.{stream}.batch_size=8" for stage in BATCHES.get(kind, ()) for stream in STREAMS[kind]]

    def planned() -> Plan:
        from earmark.data.folds.stratified import Stratified

        ground = Ground(sounds / "sounds", store=sounds / f"store-{kind}", folds=Stratified(n_folds=2), device="cpu")
        plan = Plan(ground, fold=fold, seed=1, budget=SMALL, changes=changes)
        system.outline(plan)
        return plan

    plan = planned()
    rows = carry_out(plan, tmp_path / "out")
    assert {row["state"] for row in rows} == {"finished"}
    for stage, row in zip(plan.stages, rows, strict=True):
        folder = tmp_path / "out" / row["folder"]
        if isinstance(stage, Training):
            assert row["scores"] and row["scores"][0]["lwlrap"]["value"] > 0
            held_out = read_predictions(folder / "predictions" / "held_out.parquet")
            assert set(held_out.folds.tolist()) == ({0, 1} if fold == "each" else {0})
        if isinstance(stage, Cleaning):
            assert read_manifest(folder).where(part="train", origin="noisy").ids
    stamps = {place: place.stat().st_mtime_ns for place in (tmp_path / "out").glob("*/**/*.safetensors")}
    assert carry_out(planned(), tmp_path / "out") == rows
    assert stamps == {place: place.stat().st_mtime_ns for place in (tmp_path / "out").glob("*/**/*.safetensors")}
    if kind == "soft_pseudo_labels" and fold == "each":
        run = json.loads((tmp_path / "out" / rows[-1]["folder"] / "fold-1" / "run.json").read_text())
        assert "so its score is too good" in " ".join(run["notes"])
