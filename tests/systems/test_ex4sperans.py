"""The outline of ex4sperans has the rounds, the nets and the values of its source."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.cleaning.rules.scoring import Scoring
from earmark.cleaning.rules.select_and_predict import SelectAndPredict
from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.data.streams import Stream
from earmark.ensemble.blends.rank import Rank
from earmark.models.network import n_parameters
from earmark.signal.view import build_view
from earmark.stages.recipe import read_recipe
from earmark.stages.sequence.plan import Plan
from earmark.stages.sequence.training import Training
from earmark.systems.ex4sperans import Ex4sperans
from tests.contracts.test_systems import plan_of
from tests.tiny import RATE_HZ, clips_of


def stage_of(plan: Plan, name: str):
    return next(stage for stage in plan.stages if stage.name == name)


def names(plan: Plan) -> list[str]:
    return [stage.name for stage in plan.stages]


def test_the_rounds_are_those_of_the_source_and_grow_with_other_data() -> None:
    assert Ex4sperans()._numbers(19815) == [1000, 2000, 3000, 4000, 5000]
    assert Ex4sperans()._numbers(1685) == [85, 170, 255, 340, 425]
    assert Ex4sperans(of=None)._numbers(1685) == [1000, 2000, 3000, 4000, 5000]
    plan = plan_of(Ex4sperans(clips=(1000, 2000), kinds=False, of=None), "each")
    loop = ["2d", "guess-1", "choose-1", "2d-round-1", "guess-2", "choose-2", "2d-round-2"]
    assert names(plan) == [*loop, "guess-rest", "predict-rest", "2d-predicted", "ensemble"]
    assert stage_of(plan, "choose-2").settings.rule == Scoring(k=2000, share_noisy=True)
    assert stage_of(plan, "predict-rest").settings.rule == SelectAndPredict(k=2000, share_noisy=True)
    assert stage_of(plan, "guess-2").by is stage_of(plan, "2d-round-1"), "the guesses become better"
    assert stage_of(plan, "guess-2").otherwise is stage_of(plan, "guess-1")
    with pytest.raises(SettingsError, match="rise from round to round"):
        read(Ex4sperans, {"clips": [2000, 1000]})


def test_eleven_models_of_all_kinds_are_averaged() -> None:
    plan = plan_of(Ex4sperans(blend=Rank()), "each")
    together = plan.stages[-1]
    assert [stage for stage in plan.stages if isinstance(stage, Training)] == list(together.reads)
    assert len(together.reads) == 11 and together.settings.blend == Rank()
    last = stage_of(plan, "choose-5")
    heads = {"1d-noisy": "pooled", "2d-recurrent": "recurrent", "1d-recurrent": "recurrent"}
    for name, head in heads.items():
        stage = stage_of(plan, name)
        assert stage.labels is last and stage.recipe.streams["clips"].origins == {"curated": 1, "noisy": 1}
        assert stage.recipe.model.heads["main"].kind == head
        assert stage.recipe.model.heads["main"].dropout == 0.7 and stage.recipe.training.epochs == 150
        assert stage.recipe.model.encoder.one_d == name.startswith("1d")
    assert stage_of(plan, "1d").recipe.streams["clips"].origins == {"curated": 1}


@pytest.mark.parametrize(
    ("recipe", "millions", "epochs", "without", "dropout", "batch"),
    [
        ("ex4sperans_basic", 2.34, 20, 15, 0.0, 20),
        ("ex4sperans_2d", 9.25, 100, 90, 0.5, 20),
        ("ex4sperans_2d_noisy", 21.55, 150, 140, 0.7, 20),
        ("ex4sperans_1d", 11.33, 100, 90, 0.5, 20),
    ],
)
def test_the_published_commands_are_recipes(
    recipe: str, millions: float, epochs: int, without: int, dropout: float, batch: int
) -> None:
    made = read_recipe(recipe)
    assert round(n_parameters(made.model.build(made.spec, 80)) / 1e6, 2) == millions
    assert (made.training.epochs, made.training.augment_epochs) == (epochs, without)
    assert made.model.heads["main"].dropout == dropout
    assert made.streams["clips"].batch_size == batch and made.streams["clips"].crop.longest_s == 15
    top = made.training.optimizer.lr
    assert (top * made.training.schedule.start, top) == pytest.approx((1e-4, 5e-3)), "1cycle_0.0001_0.005"
    assert made.training.optimizer.amsgrad and made.objective["labels"].term.loss.kind == "lsep"


@pytest.mark.parametrize(
    ("command", "stages"),
    [
        ("basic_2d_cnn", ["basic"]),
        ("2d_cnn", ["2d"]),
        ("2d_cnn_noisy", ["2d", "guess-1", "choose-1", "2d-round-1"]),
    ],
)
def test_a_command_of_the_source_can_be_had_alone(command: str, stages: list[str]) -> None:
    assert names(plan_of(Ex4sperans(command=command), "1")) == stages


def test_what_the_page_says_is_done_and_what_the_program_did_is_legacy() -> None:
    for legacy in (False, True):
        plan = plan_of(Ex4sperans(legacy=legacy), "1")
        for stage in plan.stages:
            if isinstance(stage, Training):
                shuffle, mix, effects = stage.recipe.view[:3]
                assert mix.mode == ("paste" if legacy else "add"), stage.name
                assert effects.steps[3].kind == ("speed" if legacy else "tempo"), stage.name
                assert shuffle.p == (0.5 if legacy and "recurrent" not in stage.name else 0), stage.name
    basic = plan_of(Ex4sperans(command="basic_2d_cnn", legacy=True), "1").stages[0].recipe
    assert basic.view[0].p == 0.5 and [step.kind for step in basic.view[1:]] == ["mel", "log", "frequency_map"]


@pytest.mark.parametrize(
    ("fold", "legacy", "shared"), [("each", False, True), ("each", True, False), ("none", True, None)]
)
def test_chosen_clips_are_learnt_from_by_all_as_the_page_says_or_by_their_fold_alone_as_they_were(
    fold: str, legacy: bool, shared: bool | None
) -> None:
    plan = plan_of(Ex4sperans(clips=(1000,), legacy=legacy), fold)
    assert stage_of(plan, "choose-1").settings.rule.share_noisy is shared
    assert stage_of(plan, "predict-rest").settings.rule.share_noisy is shared


@pytest.mark.parametrize("fold", ["each", "1", "none"])
@pytest.mark.parametrize("share", [True, False, None])
def test_the_command_with_noisy_clips_does_not_share_them(fold: str, share: bool | None) -> None:
    plan = plan_of(Ex4sperans(command="2d_cnn_noisy", share_noisy=share), fold)
    assert stage_of(plan, "choose-1").settings.rule.share_noisy is (None if fold == "none" else False)


def test_the_best_weights_are_kept_only_when_asked_for_and_then_looked_for_after_each_epoch() -> None:
    few = {"clips": (1000,), "predicted": False}
    for system in (
        Ex4sperans(**few),
        Ex4sperans(**few, keep_best=True),
        Ex4sperans(command="basic_2d_cnn", keep_best=True),
    ):
        for stage in plan_of(system, "1").stages:
            if isinstance(stage, Training):
                training = stage.recipe.training
                assert bool(training.chosen_by_held_out) == system.keep_best, stage.name
                assert training.score_epochs == (1 if system.keep_best else 5), stage.name


def test_partners_are_drawn_from_the_list_that_is_learnt_from() -> None:
    for stage in plan_of(Ex4sperans(clips=(1000,)), "1").stages:
        if isinstance(stage, Training):
            assert stage.recipe.view[1].partner.stream == "partners"
            clips, partners = (stage.recipe.streams[name] for name in ("clips", "partners"))
            assert clips == partners, stage.name


@pytest.mark.parametrize("recipe", ["ex4sperans_2d", "ex4sperans_2d_noisy", "ex4sperans_1d"])
def test_short_clips_are_mixed_with_long_ones_though_batches_are_of_similar_lengths(recipe: str) -> None:
    made = read_recipe(recipe)
    lengths = (RATE_HZ * np.linspace(1.5, 15, 160)).astype(int).tolist()
    clips, chance = (
        clips_of(lengths, origins=[n % 2 * (recipe == "ex4sperans_2d_noisy") for n in range(160)]),
        Chance(1),
    )
    streams = {name: Stream(name, settings, clips, chance) for name, settings in made.streams.items()}
    view = build_view(made.view[1:2], Spec("wave", RATE_HZ))
    longer = []
    for number in range(16):
        batches = {name: stream.batch(number) for name, stream in streams.items()}
        own = batches.pop("clips")
        longer += (view(own, chance.at(batch=number), batches).lengths / own.lengths).tolist()
    assert np.mean(np.array(longer) > 1.5) > 0.1, "a fifth, where half of them are mixed with anybody"
