"""Budgets: everything shrinks by the share that was named, nothing else changes, and what comes of it is a recipe."""

from __future__ import annotations

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.fingerprint import differences
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoder
from earmark.models.network import n_parameters
from earmark.stages.budget import Budget, _narrowed, read_budget, within
from earmark.stages.recipe import read_recipe, shipped_recipes

SPECS = (
    Spec("wave", 44100.0),
    Spec("features", 100.0, 1, 128),
    Spec("features", 100.0, 2, 128),
    Spec("power", 100.0, 1, 128),
)


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_every_recipe_keeps_within_a_budget(name: str) -> None:
    recipe = read_recipe(name)
    assert within(Budget(), recipe) is recipe
    small = within(Budget(epochs=0.05, widths=0.25, seconds=0.5), recipe)
    assert small.training.epochs == max(1, round(0.05 * recipe.training.epochs))
    specs = [each.spec for each in (small, recipe)]
    with torch.device("meta"):
        sizes = [n_parameters(each.model.build(spec, 10)) for each, spec in zip((small, recipe), specs, strict=True)]
    assert sizes[0] < 0.5 * sizes[1]
    for stream, crop in ((key, each.crop) for key, each in recipe.streams.items()):
        ours = small.streams[stream].crop
        for asked, got in ((crop.length_s, ours.length_s), (crop.longest_s, ours.longest_s)):
            assert (got is None) == (asked is None) and (asked is None or 0.5 * asked <= got < asked)
    allowed = ("training.", "model.", "streams.", "objective.", "view.")
    assert all(path.startswith(allowed) for path, _, _ in differences(recipe, small))


def test_a_schedule_keeps_its_shape_and_its_cycles() -> None:
    cycles = ("training.epochs=512", "training.score_epochs=8", "training.schedule.kind=cosine_restarts")
    recipe = read_recipe("small", cycles)
    small = within(Budget(epochs=1 / 32), recipe)
    ends = [each.training.schedule.cycle_ends(each.training.epochs, 10) for each in (recipe, small)]
    assert ends == [tuple(range(64, 513, 64)), tuple(range(2, 17, 2))]
    assert {path for path, _, _ in differences(recipe, small)} == {
        "training.epochs",
        "training.schedule.period_epochs",
    }, "what is no length of the training stays"


def test_augmentation_is_switched_off_in_time_however_short_it_is() -> None:
    recipe = read_recipe("small", ("training.epochs=100", "training.augment_epochs=90"))
    assert within(Budget(epochs=0.1), recipe).training.augment_epochs == 9
    assert within(Budget(epochs=0.02), recipe).training.augment_epochs == 1
    assert within(Budget(epochs=0.01), recipe).training.augment_epochs is None


def test_crops_stay_long_enough_for_the_network() -> None:
    recipe = read_recipe("s0", ("streams.curated.crop.length_s=0.5",))
    shortest = recipe.model.shortest(recipe.spec) / recipe.spec.rate_hz
    small = within(Budget(seconds=0.01), recipe)
    assert small.streams["curated"].crop.length_s == pytest.approx(shortest, abs=2e-4)


def test_no_budget_is_all_of_everything() -> None:
    assert read_budget(None) == Budget() and read_budget(None).is_whole


@pytest.mark.parametrize("kind", sorted(set(Encoder.members()) - {"hugging_face"}))
def test_every_encoder_becomes_narrower(kind: str) -> None:
    """A published model of others has its own widths and stays as it is."""
    encoder = Encoder.named(kind)()
    small = type(encoder).model_validate(_narrowed(encoder.model_dump(mode="json"), 0.25))
    spec = next(each for each in SPECS if takes(encoder, each))
    with torch.device("meta"):
        sizes = [n_parameters(each.build(spec)) for each in (small, encoder)]
    assert sizes[0] < 0.4 * sizes[1]


def test_where_one_factor_makes_all_widths_smaller_these_are_not_made_smaller_as_well() -> None:
    """Parameters of convolutions go with the square of the widths, and no faster."""
    for name, share in (("challenge_baseline", 0.25), ("challenge_baseline", 0.5), ("akiyama_sato", 0.25)):
        recipe = read_recipe(name)
        made = [each.model.encoder.build(each.spec) for each in (within(Budget(widths=share), recipe), recipe)]
        sizes = [n_parameters(each) for each in made]
        assert share**2 <= sizes[0] / sizes[1] < 1.3 * share**2, name


def takes(encoder: Encoder, spec: Spec) -> bool:
    try:
        encoder.check(spec)
    except SettingsError:
        return False
    return True


def test_budgets_are_typed_as_one_share_or_by_name() -> None:
    assert read_budget("0.1") == Budget(epochs=0.1, widths=0.1, seconds=0.1)
    assert read_budget("epochs=0.05, widths=0.25") == Budget(epochs=0.05, widths=0.25)
    with pytest.raises(SettingsError, match="less than or equal to 1"):
        read_budget("2")
    with pytest.raises(SettingsError, match="did you mean 'epochs'"):
        read_budget("epoch=0.1")
    with pytest.raises(SettingsError, match="a share, or name=share with commas between"):
        read_budget("epochs=0.1,fast")
