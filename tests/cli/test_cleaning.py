"""From a trained run to guesses, verdicts and a training on the result, as somebody types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl

from earmark.data.tables import read_embeddings, read_manifest, read_predictions
from earmark.stages.prepare import read_manifest as read_data
from tests.cli.conftest import train_arguments


def test_the_arc_of_cleaning(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "clean"
    shutil.copytree(trained / "run", run)
    said = earmark("predict", run, "--embed", "--store", trained / "store")
    assert said.code == 0 and "noisy clips are unseen" in said.err and said.out == ""
    noisy = read_predictions(run / "predictions" / "noisy.parquet")
    assert noisy.provenance["out_of_fold"] is True and noisy.provenance["fold"] == 0
    space = read_embeddings(run / "embeddings.parquet")
    assert set(noisy.ids) < set(space.ids) and space.fold == 0
    stamps = {place: place.stat().st_mtime_ns for place in run.rglob("*.parquet")}
    assert earmark("predict", run, "--embed", "--store", trained / "store").code == 0
    assert {place: place.stat().st_mtime_ns for place in run.rglob("*.parquet")} == stamps, "nothing is made again"

    said = earmark("clean", sounds, "-p", run, "-e", run, "--rule", "combined", "--out", out)
    assert said.code == 0 and "labels of" in said.err and "report.html" in said.err
    made = read_manifest(out)
    assert made.ids == read_data(sounds, None).ids
    assert made.where(part="train", origin="curated").clips["fold"].null_count() == 0, (
        "later trainings hold out the same"
    )
    assert "is cleaned already" in earmark("clean", sounds, "-p", run, "-e", run, "--out", out).err
    assert earmark("clean", sounds, "-p", run, "--rule", "scoring", "-s", "k=3", "--out", out).code == 4

    truth = sounds / "truth" / "train_noisy.csv"
    said = earmark("score", out, "--truth", truth)
    assert said.code == 0 and "of them at fault" in said.out and "clips of none of the classes: found" in said.out
    found = json.loads(earmark("score", out / "verdicts.parquet", "--truth", truth, "--json").out)
    n_wrong = pl.read_csv(truth)["kind"].is_in(["wrong", "out_of_vocabulary"]).sum()
    assert found["kinds"]["faulty"]["n"] >= n_wrong and found["n_clips"] == len(noisy.ids)
    assert found["n_labels"] == found["kinds"]["faulty"]["n"] + found["kinds"]["right"]["n"]
    said = earmark("score", out, "--truth", truth, "--against", out)
    assert said.code == 2 and "leave out --against" in said.err

    said = earmark("clean", sounds, "-p", run, "--rule", "scoring", "-s", "k=20", "--out", tmp_path / "best")
    assert said.code == 0
    arguments = train_arguments(tmp_path / "best", tmp_path / "after", "--fold", "0")
    both = ["-s", "streams.curated.origins={curated: 1, noisy: 1}", "-s", "training.epochs=1"]
    assert earmark(*arguments, *both).code == 0, "what comes of it trains like any other"


def test_refusals_are_a_sentence(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean"
    said = earmark("clean", sounds, "-p", trained / "run", "--out", out)
    assert said.code == 3 and "holds no guesses about noisy clips; make them with earmark predict" in said.err
    said = earmark("clean", sounds, "--out", out)
    assert said.code == 2 and "rule 'combined' compares 1 predictions, but 0 came" in said.err
    foreign = tmp_path / "p.csv"
    names = read_data(sounds, None).where(part="train", origin="noisy").ids
    pl.DataFrame({"fname": names, "Wrong": [0.5] * len(names)}).write_csv(foreign)
    said = earmark("clean", sounds, "-p", foreign, "--rule", "scoring", "--out", out)
    assert said.code == 3 and "manifest and predictions are over different vocabularies" in said.err
    said = earmark("clean", sounds, "--rule", "scorin", "--out", out)
    assert said.code == 2 and "did you mean 'scoring'" in said.err
    assert not out.exists()


def test_rules_explain_themselves(earmark) -> None:
    said = earmark("show", "rule")
    assert said.code == 0 and "rule.scoring" in said.out and "rule.combined" in said.out
    assert "share_noisy" in earmark("show", "rule.scoring").out
