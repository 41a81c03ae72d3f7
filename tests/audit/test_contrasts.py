"""Differences between sets: the effect size against a double loop, planted ones found, equal sets alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.audit.contrasts import CONTRAST_COLUMNS, cliffs_delta, contrasts
from earmark.audit.settings import AuditSettings
from earmark.audit.suspects import suspects
from tests.audit.conftest import RATE_HZ, sound

numbers = st.lists(st.integers(-5, 5), min_size=1, max_size=12).map(lambda values: np.array(values, float))


@given(numbers, numbers)
def test_cliffs_delta_counts_pairs(a: np.ndarray, b: np.ndarray) -> None:
    expected = np.mean([[np.sign(y - x) for y in b] for x in a])
    assert cliffs_delta(a, b) == pytest.approx(expected)
    assert cliffs_delta(b, a) == pytest.approx(-expected)


def test_a_level_difference_is_found_and_nothing_else(world) -> None:
    rng = np.random.default_rng(0)
    waves = {f"{at:03}": sound(at, 0.4, 0.1 * rng.uniform(0.5, 1)) for at in range(80)}
    waves = {name: wave * (0.25 if at % 2 else 1) for at, (name, wave) in enumerate(waves.items())}
    made = world(waves, {"origin": ["curated", "noisy"] * 40})
    rows = {row["measure"]: row for row in contrasts(made.survey).to_dicts()}
    assert rows["rms_db"]["delta"] < -0.9
    assert rows["rms_db"]["median_b"] - rows["rms_db"]["median_a"] == pytest.approx(-12, abs=1)
    assert rows["rms_db"]["low_a"] < rows["rms_db"]["median_a"] < rows["rms_db"]["high_a"]
    levels = ("rms_db", "peak_db", "loud_db", "quiet_db", "offset")
    assert {name for name, row in rows.items() if abs(row["delta"]) > 0.33} - set(levels) == set()


def test_one_set_has_nothing_to_compare(world) -> None:
    assert dict(contrasts(world({"a": sound(0), "b": sound(1)}).survey).schema) == CONTRAST_COLUMNS


def test_sets_without_a_measure_are_left_out(world) -> None:
    made = world({"a": np.zeros(4000), "b": sound(0)}, {"origin": ["curated", "noisy"]})
    measures = contrasts(made.survey)["measure"].to_list()
    assert "rms_db" in measures and "centroid_hz" not in measures


def test_each_planted_fault_is_found_in_its_clip_and_in_no_other(world) -> None:
    loud = sound(3) / np.abs(sound(3)).max()
    waves = {f"good {at}": sound(at) for at in range(10)} | {
        "silent": np.full(8000, 1e-4),
        "digital silence": np.zeros(8000),
        "nearly all silence": np.concatenate([sound(1, 0.2), np.zeros(4 * RATE_HZ)]),
        "clipped": np.clip(4 * loud, -1, 1),
        "clipped and made quiet": 0.2 * np.clip(4 * loud, -1, 1),
        "offset": sound(2) - 0.02,
    }
    found = suspects(world(waves).survey, AuditSettings())
    assert set(found.select("fault", "id").rows()) == {
        ("silent", "silent"),
        ("silent", "digital silence"),
        ("mostly silent", "nearly all silence"),
        ("clipped", "clipped"),
        ("clipped", "clipped and made quiet"),
        ("offset", "offset"),
    }
    assert found.filter(found["fault"] == "offset")["value"][0] == pytest.approx(-0.02, abs=0.005)
