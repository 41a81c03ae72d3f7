"""Every setting that somebody can set is explained: on the page, and by ``earmark show``."""

from __future__ import annotations

import pytest

from earmark.cli.values import values
from earmark.core.family import Member
from earmark.core.settings import Settings

KNOWN = values()


@pytest.mark.parametrize("name", KNOWN)
def test_each_says_what_it_is_and_what_each_of_its_settings_means(name: str) -> None:
    settings = KNOWN[name]
    assert issubclass(settings, Settings) and not issubclass(settings, Member)
    assert (settings.__doc__ or "").strip()
    for field, facts in settings.model_fields.items():
        assert facts.description, f"{name}.{field} has no description"


def test_values_within_values_and_those_of_commands_are_there() -> None:
    wanted = {"AuditSettings", "CleanSettings", "DemoSettings", "RangeTest"}
    assert wanted | {"TrainingSettings", "EarlyStopping", "StreamSettings", "Crop", "Columns"} <= set(KNOWN)
    assert list(KNOWN) == sorted(KNOWN)


def test_they_can_be_shown(earmark) -> None:
    said = earmark("show", "AuditSettings")
    assert said.code == 0 and "near_correlation: float, default 0.7" in said.out
    assert "AuditSettings, CleanSettings" in earmark("show").out
    wrong = earmark("show", "AuditSetting")
    assert wrong.code == 2 and "did you mean 'AuditSettings'" in wrong.err
