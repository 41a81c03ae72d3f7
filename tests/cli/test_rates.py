"""``earmark find-lr``: a table, a picture, two suggestions, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

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
