"""The demonstration shows what is promised: train, guess, clean, train again, compare, tag; and twice costs nothing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import polars as pl
import pytest

from earmark.cli.commands import app
from earmark.data.tables import read_manifest, read_predictions
from tests.cli.conftest import TINY


@pytest.mark.slow
def test_the_whole_arc(earmark, tmp_path: Path) -> None:
    place = tmp_path / "demo"
    # Long enough for a net that knows a little, so that cleaning has something to go by.
    changes = [word for change in (*TINY, "training.epochs=20") for word in ("-s", change)]
    said = earmark("demo", place, "--size", 0.1, *changes)
    assert said.code == 0, said.err
    steps = re.findall(r"^\d+\. ([^:]+): earmark (.*)$", said.err, re.MULTILINE)
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert [shlex.split(command)[0] for _, command in steps] == [
        "demo", "train", "predict", "clean", "score", "train", "score", "tag",
    ]  # fmt: skip
    assert {shlex.split(command)[0] for _, command in steps} <= names
    assert "of them at fault" in said.out and "is better by" in said.out
    truth = pl.read_csv(place / "sounds" / "truth" / "train_noisy.csv")
    kept = re.search(r"labels of (\d+) clips", said.out)
    assert kept and int(kept[1]) == truth.height, "the errors that were planted are the ones that are counted"
    assert read_manifest(place / "cleaned").where(part="train", origin="noisy").ids
    one, other = (read_predictions(place / run / "predictions" / "test.parquet") for run in ("run", "again"))
    assert one.ids == other.ids and (one.scores != other.scores).any()
    assert pl.read_csv(place / "tags.csv")["fname"].n_unique() == len(one)
    pages = re.findall(r"'([^']+report\.html)'", said.err.splitlines()[-1])
    assert len(pages) == 3 and all(Path(page).is_file() for page in pages)
    weights = (place / "again" / "tagger.safetensors").stat().st_mtime_ns
    again = earmark("demo", place, "--size", 0.1, *changes)
    assert again.code == 0 and "is cleaned already" in again.err and again.err.count("finished already") == 2
    assert (place / "again" / "tagger.safetensors").stat().st_mtime_ns == weights


def test_data_alone(earmark, tmp_path: Path) -> None:
    said = earmark("demo", tmp_path / "demo", "--size", 0.001, "--data-only")
    assert said.code == 0 and "generated in" in said.err and "\n2." not in said.err
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {"sounds"}
