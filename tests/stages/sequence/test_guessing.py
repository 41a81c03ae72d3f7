"""Guesses as a stage: what is asked of the runs behind it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from earmark.stages.recipe import Recipe
from earmark.stages.sequence import guessing
from earmark.stages.sequence.guessing import Guessing, GuessSettings


class _Places:
    """Every stage has the one place."""

    def __getitem__(self, stage: object) -> Path:
        return Path("here")


@pytest.mark.parametrize("settings", [GuessSettings(), GuessSettings(legacy_in_training=True, learnt=True)])
def test_what_its_settings_say_reaches_the_runs(settings: GuessSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def guess(*_: object, **rest: object) -> SimpleNamespace:
        asked.update(rest)
        return SimpleNamespace(n_unheard=0)

    monkeypatch.setattr(guessing, "guess", guess)
    nothing = SimpleNamespace(where=lambda **_: None)
    ground = SimpleNamespace(
        clips=lambda _: nothing, prepared=lambda _: SimpleNamespace(store=None), show=None, torch_device="cpu"
    )
    by = SimpleNamespace(recipe=Recipe(), name="by", fold="0")
    stage = Guessing("guess", "0", by, settings)  # type: ignore[arg-type]
    stage.work(ground, _Places())  # type: ignore[arg-type]
    assert asked["legacy_in_training"] is settings.legacy_in_training and asked["learnt"] is settings.learnt
