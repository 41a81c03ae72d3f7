"""The challenge's file: columns and rows of its sample, every digit, and nothing missing or extra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earmark.core.errors import DataError
from earmark.core.predictions import Predictions
from earmark.data.tables import read_predictions
from earmark.metrics import lwlrap
from earmark.stages.submit import submission, write_submission

RNG = np.random.default_rng(0)
MADE = Predictions(("b.wav", "a.wav", "c.wav"), ("Meow", "Bark"), RNG.normal(size=(3, 2)).astype(np.float32))


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    place = tmp_path / "sample.csv"
    place.write_text("fname,Bark,Meow\nc.wav,0,0\na.wav,0,0\nb.wav,0,0\n")
    return place


def test_it_has_the_columns_and_rows_of_the_sample(sample: Path, tmp_path: Path) -> None:
    write_submission(submission(MADE, sample), tmp_path / "s.csv")
    written = pl.read_csv(tmp_path / "s.csv")
    assert written.columns == ["fname", "Bark", "Meow"] and written["fname"].to_list() == ["c.wav", "a.wav", "b.wav"]
    assert written["Meow"].cast(pl.Float32).to_list() == MADE.scores[[2, 1, 0], 0].tolist(), "to the last bit"
    by_chance = submission(MADE, sample, link="probability")
    assert 0 < by_chance["Bark"].min() < by_chance["Bark"].max() < 1  # type: ignore[operator]


def refused(match: str, made: Predictions, sample: Path) -> None:
    with pytest.raises(DataError, match=match) as error:
        submission(made, sample)
    assert "\n" not in str(error.value)


def test_missing_and_extra_clips_are_refused_by_name_and_number(sample: Path) -> None:
    refused("lack 2 of 3 clips of .*, first clip 'a.wav'; predict all", MADE.aligned(["b.wav"]), sample)
    more = Predictions(("a.wav", "b.wav", "c.wav", "d.wav", "e.wav"), MADE.classes, np.zeros((5, 2)))
    refused("have 2 clips that .* does not have, first clip 'd.wav'", more, sample)
    other = Predictions(("a.wav", "b.wav", "d.wav"), MADE.classes, np.zeros((3, 2)))
    refused("lack 1 of 3 clips .*first clip 'c.wav', and have 1 others, first 'd.wav'", other, sample)


def test_classes_likewise(sample: Path) -> None:
    refused("lack 1 of 2 classes of .*, first class 'Meow'", MADE.aligned(MADE.ids, ["Bark"]), sample)
    refused("have 1 classes .* class 'Purr'", Predictions(MADE.ids, ("Bark", "Meow", "Purr"), np.zeros((3, 3))), sample)


def test_what_no_grader_reads_is_refused(sample: Path, tmp_path: Path) -> None:
    infinite = Predictions(MADE.ids, MADE.classes, np.array([[0, np.inf], [0, 0], [0, 0]]))
    refused("clip 'b.wav' has an infinite score", infinite, sample)
    with pytest.raises(DataError, match=r"let --out end in \.csv"):
        write_submission(submission(MADE, sample), tmp_path / "s.parquet")
    (tmp_path / "twice.csv").write_text("fname,Bark,Meow\na.wav,0,0\na.wav,0,0\n")
    refused("names clip 'a.wav' 2 times", MADE, tmp_path / "twice.csv")
    (tmp_path / "bare.csv").write_text("fname\na.wav\n")
    refused("no class", MADE, tmp_path / "bare.csv")


def test_the_real_sample_takes_real_names(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "fsdkaggle2019_meta"
    sample = folder / "sample_submission.csv"
    wanted = pl.read_csv(sample)
    rng = np.random.default_rng(1)
    names = rng.permutation(wanted["fname"].to_list()).tolist()
    classes = rng.permutation(wanted.columns[1:]).tolist()
    made = Predictions(tuple(names), tuple(classes), rng.normal(size=(len(names), 80)).astype(np.float32))
    write_submission(submission(made, sample), tmp_path / "s.csv")
    again = read_predictions(tmp_path / "s.csv")
    assert list(again.classes) == wanted.columns[1:] and list(again.ids) == wanted["fname"].to_list()
    assert np.array_equal(again.aligned(names, classes).scores.astype(np.float32), made.scores)
    truth = rng.random(made.scores.shape) < 0.02
    assert lwlrap(truth, again.aligned(names, classes).scores) == lwlrap(truth, made.scores)
