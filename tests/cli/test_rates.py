"""``earmark find-lr``: a table, a picture, two suggestions, and nothing left behind."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from earmark.data.tables import read_predictions
from earmark.stages import find_lr
from earmark.stages.beginning import begin
from tests.cli.conftest import TINY
from tests.cli.test_bad_input import refused


def arguments(sounds: Path, trained: Path, *more: object) -> list[object]:
    changes = [part for change in TINY for part in ("-s", change)]
    return ["find-lr", "demo", "--data", sounds, "--store", trained / "store", *changes, *more]


@pytest.mark.parametrize("optimizer", ["adam", "{kind: sam, base: {kind: sgd}}"])
def test_the_loss_over_the_rate(earmark, sounds: Path, trained: Path, tmp_path: Path, monkeypatch, optimizer) -> None:
    monkeypatch.chdir(tmp_path)
    more = ("--steps", 25, "--lowest", 1e-4, "--highest", 10, "-s", f"training.optimizer={optimizer}")
    said = earmark(*arguments(sounds, trained, "--out", tmp_path / "out", *more))
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].split() == ["rate", "loss"] and "1.0e-04" in lines[1]
    assert "steepest descent at" in lines[-1] or "no rate" in lines[-1]
    table = pl.read_csv(tmp_path / "out" / "find_lr.csv")
    assert table.columns == ["rate", "loss", "smoothed"] and 10 <= len(table) <= 25
    ratios = (table["rate"][1:] / table["rate"][:-1]).to_list()
    assert ratios == pytest.approx([1e5 ** (1 / 24)] * len(ratios))
    assert (tmp_path / "out" / "find_lr.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"find_lr.csv", "find_lr.png"}


def test_without_a_folder_nothing_is_written_and_the_same_is_said_again(
    earmark, sounds: Path, trained: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = (earmark(*arguments(sounds, trained, "--steps", 20, "--quiet")) for _ in range(2))
    assert one.code == 0 and one.out == other.out and one.err == ""
    assert not list(tmp_path.iterdir())


def test_sweeps_that_cannot_be(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    refused(earmark(*arguments(sounds, trained, "--lowest", 1, "--highest", 0.1)), 2, "must rise")
    refused(earmark(*arguments(sounds, trained, "--steps", 3)), 2, "steps", "20")
    refused(earmark("find-lr", "demo", "--data", tmp_path / "nothing"), 3, "nothing")
    said = earmark(*arguments(sounds, trained, "--lowest", 1e20, "--highest", 1e30, "--steps", 20))
    refused(said, 4, "diverged after", "--lowest")


def test_a_fold_is_left_out_and_names_the_guesses(
    earmark, sounds: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[set[str], Any]] = []

    def spied(recipe: object, classes: object, clips: Any, *rest: Any) -> object:
        begun.append((set(clips.ids), rest[-2]))
        return begin(recipe, classes, clips, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(find_lr, "begin", spied)
    shutil.copytree(trained / "run", tmp_path / "run")
    assert earmark("predict", tmp_path / "run", "--store", trained / "store").code == 0
    shutil.copy(tmp_path / "run" / "predictions" / "noisy.parquet", tmp_path / "guesses-0.parquet")
    term = f"{{kind: pseudo_labels, guesses: {{file: '{tmp_path}/guesses-{{fold}}.parquet'}}}}"
    stream = "streams.noisy={origins: {noisy: 1}, batch_size: 4, crop: {length_s: 1.0}}"
    more = ("-s", stream, "-s", f"objective.it={{streams: [noisy], term: {term}}}", "--steps", 20)
    assert earmark(*arguments(sounds, trained, *more, "--fold", 0)).code == 0
    refused(earmark(*arguments(sounds, trained, *more)), 2, "guesses-{fold}.parquet", "hold one out (--fold)")
    (left, fold), (every, none) = begun
    held_out = set(read_predictions(trained / "run" / "predictions" / "held_out.parquet").ids)
    assert (fold, none) == (0, None) and held_out <= every and not held_out & left
    refused(earmark(*arguments(sounds, trained, "--fold", 77)), 3, "there is no fold 77")
