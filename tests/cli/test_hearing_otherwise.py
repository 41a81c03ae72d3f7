"""A finished run is heard in another way: tags, its parts predicted again, compared, and the best ways chosen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from earmark.data.tables import read_predictions
from earmark.inference.tagger import load_tagger
from tests.cli.conftest import train_arguments
from tests.cli.test_bad_input import refused

SLICES = ("-s", "inference.hearing=slices", "-s", "inference.hearing.length_s=0.5")


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained / "run", tmp_path / "run"))


def test_parts_are_predicted_again_and_compared(earmark, sounds: Path, trained: Path, run: Path) -> None:
    both = ("--part", "held-out", "--part", "test", "--as", "slices", *SLICES, "--store", trained / "store")
    said = earmark("predict", run, *both)
    assert said.code == 0 and "held_out-slices.parquet" in said.err, said.err
    made, own = (read_predictions(run / "predictions" / f"held_out{name}.parquet") for name in ("-slices", ""))
    assert made.ids == own.ids and made.folds is not None and (made.folds == 0).all()
    assert made.provenance["use"] == [change for change in SLICES if change != "-s"]
    assert np.abs(made.scores - own.scores).max() > 1e-3
    stamp = (run / "predictions" / "held_out-slices.parquet").stat().st_mtime_ns
    assert earmark("predict", run, *both).code == 0
    assert (run / "predictions" / "held_out-slices.parquet").stat().st_mtime_ns == stamp, "nothing is made again"

    test = run / "predictions" / "test.parquet"
    again = run / "predictions" / "test-slices.parquet"
    scored = earmark("score", test, "--truth", sounds / "test.csv", "--against", again, "--json")
    assert {"value", "low", "high"} <= json.loads(scored.out)[0]["difference"].keys()

    tagged = earmark("tag", run, sounds / "test", "--scores", "--out", run / "t.parquet", *SLICES)
    assert tagged.code == 0
    from_store = read_predictions(again)
    from_files = read_predictions(run / "t.parquet").aligned(from_store.ids)
    np.testing.assert_allclose(from_files.scores, from_store.scores, atol=1e-3)
    name = from_files.ids[0]
    loaded = load_tagger(run, hearing={"kind": "slices", "length_s": 0.5})
    np.testing.assert_allclose(loaded.file_logits(sounds / "test" / name), from_files.scores[0], atol=1e-4)


def test_a_plain_name_gives_what_the_run_left(earmark, trained: Path, run: Path) -> None:
    assert earmark("predict", run, "--part", "test", "--as", "again", "--store", trained / "store").code == 0
    made, own = (read_predictions(run / "predictions" / f"test{name}.parquet") for name in ("-again", ""))
    assert np.array_equal(made.scores, own.scores)


@pytest.mark.parametrize(
    ("arguments", "code", "fault"),
    [
        (("--part", "tset"), 2, "there is no part 'tset' to predict; did you mean 'test'"),
        (("--part", "test"), 2, "--as"),
        (("--part", "test", "--as", "epoch-1"), 2, "and not 'epoch'"),
        (("--part", "test", "--as", "x", "-s", "training.epochs=3"), 2, "only the use of a trained tagger"),
        (("--part", "test", "--as", "x", "-s", "inference.hearing=slize"), 2, "did you mean 'slices'"),
        (("--part", "test", "--as", "x", "-s", "inference.hearing={kind: slices, length_s: 90}"), 2, "90 s at once"),
        (("--part", "test", "--snapshots"), 4, "kept no snapshots"),
        (("--part", "noisy", "--as", "x"), 2, "leave --as away"),
        (("--part", "test", "--as", "x", "--embed"), 2, "leave --embed away"),
    ],
)
def test_refusals_are_a_sentence(earmark, trained: Path, run: Path, arguments, code: int, fault: str) -> None:
    refused(earmark("predict", run, *arguments, "--store", trained / "store"), code, fault)


@pytest.mark.slow
def test_snapshots_and_ways_of_hearing_are_chosen_over_folds(earmark, sounds: Path, tmp_path: Path) -> None:
    cycles = ("training.snapshots=true", "training.schedule={kind: cosine_restarts, period_epochs: 1}")
    arguments = train_arguments(sounds, tmp_path, "--fold", "each", *(p for c in cycles for p in ("-s", c)))
    assert earmark(*arguments).code == 0
    run = tmp_path / "run"
    for name, changes in (("whole", ()), ("slices", SLICES)):
        parts = ("--part", "held_out", "--part", "test", "--snapshots", "--as", name, *changes)
        said = earmark("predict", run, *parts, "--store", tmp_path / "store")
        assert said.code == 0, said.err
    said = earmark("choose", run, "--truth", sounds)
    assert said.code == 0, said.err
    assert "whole-epoch-0001" in said.out and "chosen beside the mean of all" in said.out
    kept = json.loads((run / "chosen.json").read_text())
    assert set(kept["candidates"]) == {
        "as trained",
        *(f"{name}-epoch-000{epoch}" for name in ("whole", "slices") for epoch in (1, 2)),
    }
    last, own = (read_predictions(run / "predictions" / f"held_out{n}.parquet") for n in ("-whole-epoch-0002", ""))
    assert np.array_equal(last.aligned(own.ids).scores, own.scores), "the last snapshot is what the run left"
    assert (run / "predictions" / "held_out-chosen.parquet").is_file()
    blended = ("blend", run, "--out", tmp_path / "blend", "--truth", sounds)
    refused(earmark(*blended, "--snapshots"), 3, "there are: 'slices' (--as slices), 'whole' (--as whole)")
    said = earmark(*blended, "--snapshots", "--as", "whole", "--resamples", 100)
    assert said.code == 0, said.err
    read = json.loads((tmp_path / "blend" / "blend.json").read_text())["tables"]["run"]
    assert {Path(file).stem for file in read} <= {
        f"{p}-whole-epoch-000{n}" for p in ("held_out", "test") for n in (1, 2)
    }
