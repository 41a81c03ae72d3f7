"""Ensembles within a sequence: blended tables agree with naive ones, and what judges a model teaches it nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.special import expit

from earmark.core.errors import DataError, SettingsError
from earmark.core.predictions import Predictions, pooled
from earmark.data.clips import Clips
from earmark.data.folds.stratified import Stratified
from earmark.data.tables import read_predictions
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend
from earmark.ensemble.blends.geometric import Geometric
from earmark.ensemble.blends.per_class import PerClass
from earmark.ensemble.blends.rank import Rank
from earmark.ensemble.class_scores import ClassScores
from earmark.ensemble.correlation import Pruning
from earmark.ensemble.members import Members
from earmark.inference.hearings.padded import Padded
from earmark.inference.predict import predict
from earmark.inference.tagger import load_tagger
from earmark.stages.recipe import Recipe
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.distilling import DistilSettings, taught
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.guessing import GuessSettings
from earmark.stages.sequence.plan import Plan
from earmark.stages.sequence.predicting import PredictSettings
from earmark.stages.sequence.stage import content
from earmark.stages.sequence.training import Training
from tests.stages.sequence.conftest import GroundOf, Told

FOLDS = Stratified(n_folds=2)
CYCLES = ("training.snapshots=true", "training.schedule={kind: cosine_restarts, period_epochs: 1}")
HEARD = PredictSettings(cycles=(2,), hearing=Padded(pads_s=(0.0, 0.3)), mean="probability")
ORDINARY = DistilSettings()


def plan_of(ground_of: GroundOf, tiny: Recipe, *, fold: str = "each", show: Told | None = None) -> Plan:
    """Two models, one of them heard again, two blends, one of which learns and brings guesses, and a student."""
    plan = Plan(ground_of(folds=FOLDS, show=show or Told()), fold=fold)
    one = plan.train("one", tiny, changes=CYCLES)
    two = plan.train("two", tiny, changes=["seed=2"])
    heard = plan.predict("heard", one, HEARD)
    guesses = [plan.guess(f"guess-{each.name}", each, GuessSettings(learnt=True)) for each in (one, two)]
    plan.blend("mean", (heard, plan.blend("both", (one, two))), Arithmetic())
    plan.blend("learnt", (one, two, *guesses), PerClass())
    plan.distil("student", plan.blend("teacher", {"one": heard, "two": two}), tiny, ORDINARY)
    return plan


class Done(NamedTuple):
    out: Path
    rows: list[dict[str, Any]]
    plan: Plan

    def folder(self, name: str) -> Path:
        return self.out / next(row["folder"] for row in self.rows if row["stage"] == name)

    def table(self, name: str, part: str = "held_out") -> Predictions:
        return read_predictions(self.folder(name) / "predictions" / f"{part}.parquet")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Filled by the first test that carries the sequence out."""
    return {"out": tmp_path_factory.mktemp("blends") / "out"}


@pytest.fixture
def done(whole: dict[str, Any], ground_of: GroundOf, tiny: Recipe) -> Done:
    if "done" not in whole:
        plan = plan_of(ground_of, tiny)
        whole["done"] = Done(whole["out"], carry_out(plan, whole["out"]), plan)
    found: Done = whole["done"]
    return found


def chances(table: Predictions, like: Predictions) -> np.ndarray:
    return table.aligned(like.ids, like.classes).on("probability").scores


def test_a_blend_is_the_mean_of_the_tables_of_its_stages(done: Done) -> None:
    both = done.table("both")
    naive = (chances(done.table("one"), both) + chances(done.table("two"), both)) / 2
    assert np.allclose(expit(both.scores), naive, atol=1e-6)
    assert set(both.folds.tolist()) == {0, 1} and both.provenance["members"].keys() == {"one", "two"}
    test = done.table("both", "test")
    naive = (chances(done.table("one", "test"), test) + chances(done.table("two", "test"), test)) / 2
    assert np.allclose(expit(test.scores), naive, atol=1e-6)


def test_snapshots_of_some_cycles_are_heard_in_another_way(done: Done) -> None:
    heard = done.table("heard")
    one = next(stage for stage in done.plan.stages if stage.name == "one")
    ground, parts = done.plan.ground, []
    for number in (0, 1):
        tagger = load_tagger(done.folder("one") / f"fold-{number}" / "snapshots" / "epoch-0002.safetensors")
        prepared = ground.prepared(one.recipe.pack)
        clips = ground.clips("each", one.recipe.pack).where(part="train", origin="curated", fold=number)
        parts.append(predict(tagger.using(hearing=HEARD.hearing), Clips.of(clips, prepared.store)))
    assert np.allclose(chances(pooled(parts), heard), heard.on("probability").scores, atol=1e-6)
    last = done.table("one")
    assert heard.folds.tolist() == last.aligned(heard.ids).folds.tolist()
    assert not np.allclose(chances(last, heard), heard.on("probability").scores, atol=1e-4), "padding is heard"
    row = next(row for row in done.rows if row["stage"] == "heard")
    assert {score["part"].split(",")[0] for score in row["scores"]} == {"held out", "test"}


def test_guesses_for_a_fold_are_blended_by_what_was_learnt_without_it(done: Done) -> None:
    held_out = Members.of({name: done.table(name) for name in ("one", "two")})
    truth = done.plan.ground.clips("each")
    for number in (0, 1, None):
        place = "predictions/noisy.parquet" if number is None else f"fold-{number}/predictions/noisy.parquet"
        guesses = Members.of({n: read_predictions(done.folder(f"guess-{n}") / place) for n in ("one", "two")})
        others = held_out if number is None else held_out.rows(held_out.folds != number)
        naive = PerClass().fit(others, truth.targets(others.ids))(guesses)
        made = read_predictions(done.folder("learnt") / place)
        assert np.array_equal(made.aligned(naive.ids, naive.classes).scores, naive.scores)
        assert made.provenance["fold"] == number


def test_a_student_learns_from_teachers_that_held_out_what_judges_it(done: Done) -> None:
    names = [stage.name for stage in done.plan.stages]
    assert names[-4:] == ["student-heard", "student-two", "student-teacher", "student"]
    for number in (0, 1):
        place = f"fold-{number}/predictions/train.parquet"
        told = read_predictions(done.folder("student-teacher") / place)
        assert told.provenance["fold"] == number
        naive = [chances(read_predictions(done.folder(f"student-{n}") / place), told) for n in ("heard", "two")]
        assert np.allclose(expit(told.scores), np.mean(naive, axis=0), atol=1e-6)
        run = json.loads((done.folder("student") / f"fold-{number}" / "run.json").read_text())
        assert run.get("notes", []) == [], "nothing leaks"
        learnt = json.loads((done.folder("student") / f"fold-{number}" / "learnt.json").read_text())["clips"]
        assert set(learnt) <= set(told.ids)
        assert any(name in learnt for name in done.plan.ground.manifest.where(part="train", origin="noisy").ids)


def test_what_a_blend_leaves_does_not_depend_on_where_it_lies(done: Done) -> None:
    for name in ("both", "mean", "learnt", "student-teacher"):
        stage = next(each for each in done.plan.stages if each.name == name)
        for table in stage.left(done.folder(name)):
            assert str(done.out) not in json.dumps(dict(read_predictions(table).provenance))
        assert content(stage, done.folder(name)) == next(row["result"] for row in done.rows if row["stage"] == name)


def test_the_same_plan_again_does_nothing(done: Done, ground_of: GroundOf, tiny: Recipe) -> None:
    told = Told()
    assert carry_out(plan_of(ground_of, tiny, show=told), done.out) == done.rows
    assert sum("finished before, skipped" in line for line in told.lines) == len(done.rows)


def test_what_learns_gives_way_to_the_mean_where_there_is_one_fold(ground_of: GroundOf, tiny: Recipe) -> None:
    for fold, kind in (("each", "per_class"), ("0", "arithmetic"), ("none", "arithmetic")):
        stage = next(each for each in plan_of(ground_of, tiny, fold=fold).stages if each.name == "learnt")
        assert stage.used.blend.kind == kind
        assert ("the plain mean; per_class would learn" in stage.says()) == (fold != "each")


@pytest.mark.parametrize(
    ("asked", "left", "said"),
    [
        (Geometric(of="odds"), Geometric(of="odds"), "(geometric)"),
        (
            Geometric(of="odds", prune=Pruning(above=0.5)),
            Geometric(of="odds"),
            "(geometric without pruning, which takes several folds)",
        ),
        (
            Rank(prune=Pruning(), normalise=ClassScores()),
            Rank(),
            "(rank without pruning and a footing of classes, which take several folds)",
        ),
        (Rank(normalise=ClassScores(by="themselves")), Rank(normalise=ClassScores(by="themselves")), "(rank)"),
        (
            PerClass(prune=Pruning()),
            Arithmetic(),
            "(the plain mean; per_class would learn, which takes several folds)",
        ),
    ],
)
@pytest.mark.parametrize("fold", ["0", "none"])
def test_a_mean_stays_the_mean_that_it_is_where_nothing_can_be_fitted(
    ground_of: GroundOf, tiny: Recipe, fold: str, asked: Blend, left: Blend, said: str
) -> None:
    plan = Plan(ground_of(folds=FOLDS), fold=fold)
    stage = plan.blend("all", [plan.train(name, tiny) for name in ("one", "two")], asked)
    assert stage.used.blend == left and not left.is_fitted
    assert stage.says().endswith(said)
    whole = Plan(ground_of(folds=FOLDS), fold="each")
    stage = whole.blend("all", [whole.train(name, tiny) for name in ("one", "two")], asked)
    assert stage.used.blend == asked and stage.says().endswith(f"({asked.kind})")


def test_members_that_do_not_fit_are_refused(ground_of: GroundOf, tiny: Recipe) -> None:
    plan = Plan(ground_of(folds=FOLDS), fold="each")
    one, other = plan.train("one", tiny), plan.train("other", tiny, fold="0")
    with pytest.raises(SettingsError, match="blends 'other', which holds out '0', with 'one', which holds out 'each'"):
        plan.blend("wrong", (one, other))
    noisy, test = plan.guess("noisy", one), plan.guess("test", one, GuessSettings(of="test"))
    with pytest.raises(SettingsError, match=r"blends guesses of noisy clips .* with guesses of test clips"):
        plan.blend("wrong", {"a": (one, noisy), "b": (one, test)})
    with pytest.raises(SettingsError, match=r"members of stage 'wrong' bring guesses, but 'b' does not"):
        plan.blend("wrong", {"a": (one, noisy), "b": one})
    with pytest.raises(SettingsError, match="blends nothing"):
        plan.blend("wrong", ())
    with pytest.raises(SettingsError, match="asks the snapshots of stage 'one', which keeps none"):
        plan.predict("wrong", one, HEARD)
    cycles = plan.train("cycles", tiny, changes=CYCLES)
    with pytest.raises(SettingsError, match="asks for cycle 4 of stage 'cycles'"):
        plan.predict("wrong", cycles, PredictSettings(cycles=(4,)))
    with pytest.raises(
        SettingsError, match=r"is to be judged by fold 'each', but its teacher 'other' holds out fold 0"
    ):
        plan.distil("wrong", other, tiny, fold="each")
    assert isinstance(plan.distil("right", one, tiny, fold="none"), Training)


def test_the_recipe_of_a_student_says_what_it_learns(tiny: Recipe) -> None:
    made = taught(DistilSettings(labels=0.5, weight=3), tiny, ("curated", "noisy"))
    assert made.streams["teacher"].origins == {"curated": 1, "noisy": 1}
    assert made.streams["teacher"].sampling == "once"
    assert made.streams["teacher"].crop == made.streams["curated"].crop
    assert made.objective["labels"].weight == 0.5 * tiny.objective["labels"].weight
    part = made.objective["teacher"]
    assert (part.weight, part.term.loss.kind, part.term.sharpening) == (3, "bce", None)
    alone = taught(DistilSettings(labels=0, origins={"noisy": 2}), tiny, ("curated",), ["seed=9"])
    assert alone.objective["labels"].weight == 0 and alone.streams["teacher"].origins == {"noisy": 2}
    assert alone.seed == 9 and alone.taught
    with pytest.raises(SettingsError, match=r"streams\.teacher is what a student learns from its teacher"):
        taught(ORDINARY, made, ("curated",))


def test_finished_trainings_teach_unless_they_know_the_judges(
    done: Done, ground_of: GroundOf, tiny: Recipe, tmp_path: Path
) -> None:
    plan = Plan(ground_of(folds=FOLDS), fold="1")
    teacher = plan.finished("before", done.folder("two"))
    assert teacher.fold == "each" and teacher.recipe.seed == 2
    plan.distil("student", teacher, tiny, fold="1", changes=["training.epochs=1"])
    rows = carry_out(plan, tmp_path / "out")
    assert rows[0]["folder"] == str(done.folder("two").resolve()) and rows[-1]["scores"]
    assert carry_out(plan, tmp_path / "out") == rows
    other = Plan(ground_of(folds=Stratified(n_folds=2, seed=5)), fold="1")
    other.finished("before", done.folder("two"))
    with pytest.raises(DataError, match=r"has learnt from clip '.*', which fold 0 holds out here"):
        carry_out(other, tmp_path / "other")


def test_clips_that_could_not_be_heard_do_not_stop_an_ensemble(sounds: Path, tiny: Recipe, tmp_path: Path) -> None:
    data = tmp_path / "sounds"
    shutil.copytree(sounds, data)
    ground = Ground(data, store=tmp_path / "store", folds=FOLDS, device="cpu")
    judges = ground.clips("0").where(part="train", origin="curated", fold=0).clips
    (data / judges["file"][0]).write_bytes(b"no sound")
    plan = Plan(ground, fold="0")
    one = plan.train("one", tiny, changes=["training.epochs=1"])
    plan.blend("all", (one, plan.predict("heard", one)))
    carry_out(plan, tmp_path / "out")
    (place,) = (tmp_path / "out").glob("all-*")
    assert judges["id"][0] not in read_predictions(place / "predictions" / "held_out.parquet").ids


@pytest.mark.slow
def test_interrupted_anywhere_an_ensemble_ends_the_same_bit_for_bit(
    ground_of: GroundOf, tiny: Recipe, tmp_path: Path
) -> None:
    def planned(stop_at: int | None) -> Plan:
        plan = Plan(ground_of(folds=FOLDS, show=Told(stop_at)), fold="0")
        one = plan.train("one", tiny, changes=CYCLES)
        heard = plan.predict("heard", one, PredictSettings(snapshots=True))
        plan.blend("all", {"one": (one, guesses := plan.guess("guess", one)), "heard": (heard, guesses)})
        return plan

    whole, n_stopped = carry_out(planned(None), tmp_path / "whole"), 0
    for go in range(60):
        try:
            rows = carry_out(planned((4, 9, 6, 12)[go % 4]), tmp_path / "out")
            break
        except KeyboardInterrupt:
            n_stopped += 1
    else:
        pytest.fail("it does not get on")
    assert [row["result"] for row in rows] == [row["result"] for row in whole] and n_stopped > 2
