"""Plans: what does not fit together is refused before anything is trained, and changes reach the stage they name."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from earmark.cleaning.rules.scoring import Scoring
from earmark.cleaning.rules.top_intersection import TopIntersection
from earmark.core.errors import SettingsError
from earmark.core.predictions import Predictions
from earmark.data.folds.given import Given
from earmark.data.folds.stratified import Stratified
from earmark.stages.budget import Budget
from earmark.stages.recipe import Recipe, read_recipe
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.guessing import Guessing, GuessSettings, filled
from earmark.stages.sequence.plan import Plan, outlined
from tests.stages.sequence.conftest import GroundOf


def test_stages_say_what_they_do_and_read(ground_of: GroundOf, tiny: Recipe) -> None:
    plan = Plan(ground_of(), fold="0")
    first = plan.train("first", tiny)
    guesses = plan.guess("guess", first)
    chosen = plan.clean("choose", Scoring(k=3), guesses)
    second = plan.train("second", tiny, start=first, labels=chosen)
    assert [row["does"] for row in outlined(plan.stages)] == [
        "train",
        "guess of noisy clips by first",
        "clean with rule scoring, by guess",
        "train (begins with first, labels of choose)",
    ]
    assert second.reads == (first, chosen) and chosen.reads == (guesses, first)


def test_seed_folds_budget_and_changes_are_made_in_this_order(ground_of: GroundOf) -> None:
    recipe = read_recipe("small")
    ground = ground_of(folds=Stratified(n_folds=3))
    plan = Plan(ground, seed=9, budget=Budget(epochs=0.5), changes=["one.training.score_epochs=7"])
    one = plan.train("one", recipe, changes=["training.epochs=40"])
    two = plan.train("two", recipe, fold="each")
    assert one.recipe.training.epochs == 20 and one.recipe.training.score_epochs == 7
    assert two.recipe.training.epochs == recipe.training.epochs // 2 and two.recipe.training.score_epochs == 40
    assert one.recipe.seed == two.recipe.seed == 9
    assert one.recipe.folds is None and two.recipe.folds == Stratified(n_folds=3)
    assert Plan(ground_of()).train("one", recipe).recipe.seed == recipe.seed


def test_folds_are_those_that_the_data_give(ground_of: GroundOf) -> None:
    assert isinstance(ground_of().folds, Given | Stratified)
    assert ground_of(folds=Stratified(n_folds=2)).numbers("each") == [0, 1]
    assert ground_of().numbers("none") == [None] and ground_of().numbers("3") == [3]


def test_weights_of_another_encoder_are_refused_at_once(ground_of: GroundOf, tiny: Recipe) -> None:
    plan = Plan(ground_of(), fold="0")
    first = plan.train("first", tiny)
    other = ("model.encoder.kind=plain_cnn",)
    sentence = (
        r"stage 'second' begins .* stage 'first', which are of encoder 'skip_cnn', but its recipe has 'plain_cnn'"
    )
    with pytest.raises(SettingsError, match=sentence):
        plan.train("second", tiny, start=first, changes=other)
    plan.train("second", tiny, start=first, changes=(*other, "model.start.strict=none"))


def test_what_cannot_be_is_refused_before_anything_is_done(ground_of: GroundOf, tiny: Recipe, tmp_path: Path) -> None:
    plan = Plan(ground_of(), fold="each", changes=["frist.training.epochs=1"])
    first = plan.train("first", tiny)
    with pytest.raises(SettingsError, match=r"'all' holds no fold out, but stage 'first'.* has one model for each"):
        plan.train("all", tiny, start=first, fold="none")
    with pytest.raises(SettingsError, match="asks the snapshots of stage 'first', which keeps none"):
        plan.guess("guess", first, GuessSettings(snapshots=True))
    with pytest.raises(SettingsError, match="two stages are called 'first'"):
        plan.train("first", tiny)
    for name in ("v1.5", "two words", ""):
        with pytest.raises(SettingsError, match=f"a stage cannot be called '{re.escape(name)}'"):
            plan.train(name, tiny)
    with pytest.raises(SettingsError, match="the recipe of stage 'wrong' has 1 fault"):
        plan.train("wrong", tiny, changes=["training.epoch=3"])
    with pytest.raises(SettingsError, match="there is no stage 'frist' to change; did you mean 'first'"):
        carry_out(plan, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_trainings_that_ask_for_different_numbers_of_devices_are_refused(
    ground_of: GroundOf, tiny: Recipe, tmp_path: Path
) -> None:
    plan = Plan(ground_of(), fold="0")
    plan.train("one", tiny)
    plan.train("two", tiny, changes=["training.devices=2"])
    with pytest.raises(SettingsError, match=r"devices on nodes: 1 on 1 and 2 on 1\); give all the same"):
        carry_out(plan, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    alike = Plan(ground_of(), fold="0", devices=2)
    recipes = [alike.train(name, tiny).recipe for name in ("one", "two")]
    assert [recipe.training.devices for recipe in recipes] == [2, 2] and tiny.training.devices == 1


def test_settings_of_guesses_and_cleanings_can_be_changed_too(ground_of: GroundOf, tiny: Recipe) -> None:
    plan = Plan(ground_of(), fold="0", changes=["guess.embed=true", "filter.rule.n=3", "filter.emptied=noisy"])
    guesses = plan.guess("guess", plan.train("first", tiny))
    filtered = plan.clean("filter", TopIntersection(n=5), guesses)
    assert guesses.settings.embed and filtered.settings.rule == TopIntersection(n=3)
    assert filtered.settings.emptied == "noisy"


def test_each_fold_takes_its_own_guesses_or_all_take_the_mean(ground_of: GroundOf, tiny: Recipe) -> None:
    plan = Plan(ground_of(), fold="each")
    guesses = plan.guess("guess", plan.train("first", tiny))
    places = {guesses: Path("out/guess")}
    assert guesses.own.file(places) == Path("out/guess/fold-{fold}/predictions/noisy.parquet")
    assert guesses.mean.file(places) == Path("out/guess/predictions/noisy.parquet")
    alone = Guessing("alone", "0", plan.train("one", tiny, fold="0"), GuessSettings())
    assert alone.own.file({alone: Path("a")}) == alone.mean.file({alone: Path("a")})


def test_earlier_guesses_stand_in_only_where_there_are_no_new_ones() -> None:
    def table(by: str, **rows: float) -> Predictions:
        scores = np.array([[value, -value] for value in rows.values()])
        return Predictions(tuple(rows), ("x", "y"), scores, provenance={"by": by, "out_of_fold": True})

    made = filled(table("new", c=3.0, a=1.0), table("old", a=-9.0, b=2.0, c=-9.0))
    assert made.ids == ("a", "b", "c") and made.scores[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert made.provenance["out_of_fold"] is True and made.provenance["earlier"]["by"] == "old"
