"""What comes from elsewhere than the data is noted, handed down, shown, and refused where nobody wants it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from earmark.core.errors import SettingsError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.tables import write_predictions
from earmark.models.encoders.hugging_face import HuggingFace
from earmark.stages.external import NOTED, external_of, noted
from earmark.stages.recipe import read_recipe
from earmark.stages.report import _external
from earmark.stages.warm_start import note_learnt
from tests.stages.test_warm_start import MANIFEST, found, parts_of, run_of

GUESSED = (
    "streams.noisy={origins: {noisy: 1}, crop: {length_s: 2.0}}",
    "objective.guessed={streams: [noisy], term: {kind: pseudo_labels, guesses: {file: FILE}}}",
)


def taken(*changes: str, warm=None, manifest: Manifest = MANIFEST) -> tuple[str, ...]:
    return external_of(read_recipe("small", changes), manifest, warm, 0)


def test_an_ordinary_recipe_takes_nothing(tmp_path: Path) -> None:
    assert taken() == () == taken("external_data=false")
    own = found(run_of(tmp_path / "run").path)
    assert own.external(MANIFEST) == ()


def test_published_weights_and_recorded_rooms_are_named_and_refused(tmp_path: Path) -> None:
    assert HuggingFace().external == () and HuggingFace(model="org/ast").external == (
        "published weights 'org/ast' (newest)",
    )
    (tmp_path / "rooms").mkdir()
    soundfile.write(tmp_path / "rooms" / "hall.wav", np.eye(1, 400)[0], 44100)
    reverb = f"{{kind: reverb, impulse_responses: '{tmp_path / 'rooms'}'}}"
    inside = f"view=[{{kind: effects, steps: [{reverb}]}}, log_mel]"
    assert taken(inside) == ("rooms recorded in 'rooms'",)
    with pytest.raises(SettingsError, match="external_data is false, but the recipe takes rooms recorded in 'rooms'"):
        taken(inside, "external_data=false")


def test_weights_say_where_they_come_from_and_hand_it_down(tmp_path: Path) -> None:
    unknown = found(run_of(tmp_path / "unknown", learnt=None).path, leak=True)
    assert taken(warm=unknown) == ("weights of 'unknown', of which it is not noted what they have learnt from",)
    others = Manifest.of(pl.DataFrame({"id": ["a", "b"], "file": ["a", "b"]}), classes=MANIFEST.classes)
    elsewhere = found(run_of(tmp_path / "first", learnt="bcd").path)
    assert replace(elsewhere, data="other").external(others) == (
        "weights of 'first', which have learnt from 2 clips of other data",
    )
    assert replace(elsewhere, data=str(others.root)).external(others) == (), "clips that were left out since"
    second = run_of(tmp_path / "second", learnt=None)
    note_learnt(second, MANIFEST, parts_of("a"), None, ["published weights 'org/ast' (newest)"])
    assert noted(second) == ["published weights 'org/ast' (newest)"] == list(taken(warm=found(second.path)))
    with pytest.raises(SettingsError, match=r"takes published weights 'org/ast' \(newest\); leave that out"):
        taken("external_data=false", warm=found(second.path))


def test_guesses_hand_it_down_through_blends(tmp_path: Path) -> None:
    changes = [change.replace("FILE", str(tmp_path / "guesses.parquet")) for change in GUESSED]

    def guessed(provenance: dict[str, object]) -> tuple[str, ...]:
        table = Predictions(("a",), MANIFEST.classes, np.zeros((1, 3)), provenance=provenance)
        write_predictions(table, tmp_path / "guesses.parquet")
        return taken(*changes)

    assert guessed({"run": "one", "fold": 0}) == ()
    deep = {"members": {"m": {"mean_of": [{"run": "x"}, {NOTED: ["rooms"]}]}}, NOTED: ["weights", "rooms"]}
    assert guessed(deep) == ("rooms", "weights")
    assert guessed({}) == ("guesses 'guesses.parquet', of which it is not noted who made them",)


def test_the_report_says_it_of_runs_that_know() -> None:
    assert _external({"external_data": []}) == {"external data": "none"}
    assert _external({"external_data": ["rooms", "weights"]}) == {"external data": "rooms; weights"}
    assert _external({}) == {}, "of a run of long ago nobody knows"


def test_it_does_not_change_what_a_run_is() -> None:
    from earmark.core.fingerprint import fingerprint

    assert fingerprint(read_recipe("small")) == fingerprint(read_recipe("small", ("external_data=false",)))
    assert not read_recipe("rftexas").external_data, "the article names the rule"
