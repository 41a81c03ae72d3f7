"""earmark's own system: what its stages read, with and without noisy clips, whatever is held out."""

from __future__ import annotations

import pytest

from earmark.stages.recipe import read_recipe
from earmark.stages.sequence.cleaning import Cleaning
from earmark.stages.sequence.guessing import Guessing
from earmark.stages.sequence.plan import Plan
from earmark.stages.sequence.training import Training
from earmark.systems.best import Best
from tests.contracts.test_systems import plan_of


def stages_of(plan: Plan, kind: type) -> list:
    return [stage for stage in plan.stages if isinstance(stage, kind)]


@pytest.mark.parametrize(("fold", "first"), [("none", "each"), ("each", "each"), ("1", "1")])
def test_noisy_labels_are_judged_by_held_out_guesses_and_what_nets_hear(fold: str, first: str) -> None:
    plan = plan_of(Best(), fold)
    guess, clean = stages_of(plan, Guessing)[0], stages_of(plan, Cleaning)[0]
    assert guess.by.name == "first" and guess.by.fold == first and guess.settings.embed
    nets = stages_of(plan, Training)[1:]
    assert [net.name for net in nets] == ["plain", "levelled", "fine"]
    assert all(net.fold == fold and clean in net.reads for net in nets)
    assert all(set(net.recipe.streams["clips"].origins) == {"curated", "noisy"} for net in nets)


def test_without_noisy_clips_it_learns_from_curated_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "n_clips", lambda self, origin: 0 if origin == "noisy" else 20)
    plan = plan_of(Best(), "each")
    assert not stages_of(plan, Cleaning)
    assert all(net.recipe.streams["clips"].absent == "leave_out" for net in stages_of(plan, Training))


def test_its_nets_hear_otherwise_and_as_small_does() -> None:
    views = [net.recipe.view for net in stages_of(plan_of(Best(), "1"), Training)]
    small, plain, levelled, fine = views
    assert small == plain == read_recipe("small").view
    assert levelled != plain and fine != plain and len(levelled) == len(fine) == len(plain)
