"""Blend, submit and soup as somebody types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earmark.core.predictions import Predictions
from earmark.data.tables import read_predictions, write_predictions
from tests.cli.test_bad_input import refused


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> list[Path]:
    """The trained run, and what a second one might have said."""
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        for part in ("held_out", "test"):
            table = read_predictions(trained / "run" / "predictions" / f"{part}.parquet")
            scores = table.scores + (name == "two") * rng.normal(size=table.scores.shape).astype(np.float32)
            write_predictions(
                Predictions(table.ids, table.classes, scores, table.link, table.folds, table.provenance),
                tmp_path / name / "predictions" / f"{part}.parquet",
            )
    return [tmp_path / "one", tmp_path / "two"]


def test_from_runs_to_a_submission(earmark, sounds: Path, runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "blend"
    said = earmark("blend", *runs, "--how", "geometric", "--data", sounds, "--out", out, "--resamples", 100)
    assert said.code == 0, said.err
    assert "held out" in said.out and "test" in said.out and "(blend, geometric), Public" in said.out
    assert "the blend gains" in said.out and "2 members: one, two" in said.err
    again = earmark("blend", *runs, "--how", "geometric", "--data", sounds, "--out", out, "--resamples", 100)
    assert again.code == 0 and "is blended already" in again.err and again.out == said.out

    scored = earmark("score", out, "--truth", sounds, "--against", runs[0], "--json", "--resamples", 100)
    assert scored.code == 0, scored.err
    assert [Path(row["predictions"]).stem for row in json.loads(scored.out)] == ["held_out", "test"]

    made = read_predictions(out / "predictions" / "test.parquet")
    sample = pl.DataFrame(
        {"fname": sorted(made.ids, reverse=True)} | {name: [0.0] * len(made) for name in made.classes}
    )
    sample.write_csv(tmp_path / "sample.csv")
    said = earmark("submit", out, "--sample", tmp_path / "sample.csv", "--out", tmp_path / "submission.csv")
    assert said.code == 0 and f"{len(made)} clips x {len(made.classes)} classes" in said.out
    written = read_predictions(tmp_path / "submission.csv")
    assert np.array_equal(written.aligned(made.ids, made.classes).scores, made.scores)

    sample[:-2].write_csv(tmp_path / "short.csv")
    refused(earmark("submit", out, "--sample", tmp_path / "short.csv", "--out", tmp_path / "s.csv"), 3, "have 2 clips")
    refused(earmark("submit", tmp_path / "one" / "no", "--sample", tmp_path / "short.csv"), 3, "end in .csv")


def test_refusals_are_a_sentence(earmark, sounds: Path, runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "blend"
    refused(earmark("blend", *runs, "--how", "geometrc", "--out", out), 2, "did you mean 'geometric'")
    refused(earmark("blend", *runs, "--how", "cobyla", "--data", sounds, "--out", out), 3, "train more folds")
    refused(earmark("blend", *runs, "--link", "chance", "--out", out), 2, "--link must be a link")
    refused(earmark("blend", *runs, "-s", "scale=rank", "--out", out), 2, "no such setting")
    two = runs[1] / "predictions" / "test.parquet"
    write_predictions(read_predictions(two).on("probability"), two)
    refused(earmark("blend", *runs, "--out", out), 3, "members must be on one link", "--link probability")
    assert not out.exists()
    assert earmark("blend", *runs, "--out", out, "--link", "probability").code == 0


def test_blends_explain_themselves(earmark) -> None:
    said = earmark("show", "blend")
    assert said.code == 0 and "blend.cobyla" in said.out and "blend.per_class" in said.out
    assert "first_step" in earmark("show", "blend.cobyla").out


def test_a_soup_of_a_runs_twins(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "run", tmp_path / "twin")
    store = ("--store", trained / "store")
    for how in ("uniform", "greedy"):
        out = tmp_path / how
        said = earmark("soup", trained / "run", tmp_path / "twin", "--how", how, "--out", out, "--data", sounds, *store)
        assert said.code == 0, said.err
        assert "the mean of 2 of 2 networks" in said.err and (out / "predictions" / "held_out.parquet").is_file()
    clip = min((sounds / "test").iterdir())
    assert earmark("tag", tmp_path / "uniform", clip).code == 0
    bare = earmark("soup", trained / "run", tmp_path / "twin", "--out", tmp_path / "bare", "--refresh", 0)
    assert bare.code == 0 and "does not fit a mean of weights" in bare.err
    refused(earmark("soup", trained / "run", "--out", tmp_path / "x"), 4, "two taggers at least")
    refused(earmark("soup", trained / "run", "--how", "thick", "--out", tmp_path / "x"), 2, "uniform or greedy")
