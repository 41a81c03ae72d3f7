"""The whole arc as somebody types it: train, tag, score, report, and the same again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import earmark as package
from earmark.data.tables import read_predictions
from tests.cli.conftest import train_arguments


def test_a_run_leaves_what_its_folder_promises(trained: Path) -> None:
    run = trained / "run"
    for name in (
        "recipe.yaml",
        "run.json",
        "environment.json",
        "log.jsonl",
        "scores.json",
        "report.html",
        "tagger.safetensors",
        "checkpoints/last.safetensors",
        "predictions/held_out.parquet",
        "predictions/test.parquet",
    ):
        assert (run / name).is_file(), name
    assert len((run / "log.jsonl").read_text().splitlines()) == 2


def test_a_finished_run_is_not_trained_again(earmark, sounds: Path, trained: Path) -> None:
    before = (trained / "run" / "tagger.safetensors").stat().st_mtime_ns
    said = earmark(*train_arguments(sounds, trained, "--fold", "0"))
    assert said.code == 0 and "finished already" in said.err
    assert (trained / "run" / "tagger.safetensors").stat().st_mtime_ns == before


def test_other_settings_in_the_same_folder_are_refused(earmark, sounds: Path, trained: Path) -> None:
    said = earmark(*train_arguments(sounds, trained, "--fold", "0", "-s", "seed=9"))
    assert said.code == 4 and "seed (1 there, 9 now)" in said.err and "--out" in said.err


def test_tags_agree_with_python_and_with_the_full_table(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    assert earmark("tag", trained / "run", sounds / "test", "--out", tmp_path / "tags.csv", "--top", 3).code == 0
    assert earmark("tag", trained / "run", sounds / "test", "--out", tmp_path / "all.parquet", "--scores").code == 0
    tags, table = pl.read_csv(tmp_path / "tags.csv"), read_predictions(tmp_path / "all.parquet")
    assert tags.group_by("fname").len()["len"].unique().to_list() == [3]
    name = table.ids[0]
    expected = package.load(trained / "run").tag(sounds / "test" / name, top=3)
    assert tags.filter(pl.col("fname") == name)["label"].to_list() == [tag.label for tag in expected]
    rows = table.on("probability").scores
    assert np.allclose(np.sort(rows[0])[::-1][:3], [tag.probability for tag in expected], atol=1e-4)


def test_tags_of_the_files_agree_with_the_predictions_of_the_run(
    earmark, sounds: Path, trained: Path, tmp_path: Path
) -> None:
    earmark("tag", trained / "run", sounds / "test", "--out", tmp_path / "all.parquet", "--scores")
    from_files = read_predictions(tmp_path / "all.parquet")
    from_store = read_predictions(trained / "run" / "predictions" / "test.parquet")
    assert np.allclose(from_files.aligned(from_store.ids).scores, from_store.scores, atol=1e-3)


def test_every_format_and_stretches_of_long_files(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    clip = min((sounds / "test").iterdir())
    assert earmark("tag", trained / "run", clip, "--out", tmp_path / "t.jsonl").code == 0
    row = json.loads((tmp_path / "t.jsonl").read_text())
    assert row["fname"] == str(clip) and {"label", "probability"} == set(row["tags"][0])
    said = earmark("tag", trained / "run", clip, "--every", 0.2, "--threshold", 0.0)
    assert said.code == 0 and "0.0 to 0.2" in said.out and "0.2 to 0.4" in said.out
    header, _, row = earmark("tag", trained / "run", clip, "--threshold", 1.0).out.splitlines()
    assert header.split() == ["file", "tags"] and row.split() == [str(clip), "–"]


def test_bad_files_are_listed_and_the_others_tagged(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    good = min((sounds / "test").iterdir())
    (folder / "good.wav").write_bytes(good.read_bytes())
    (folder / "text.wav").write_text("not a sound at all")
    said = earmark("tag", trained / "run", folder, "--out", tmp_path / "t.csv")
    assert said.code == 6 and "1 of 2 files could not be heard" in said.err and "Traceback" not in said.err
    assert set(pl.read_csv(tmp_path / "t.csv")["fname"]) == {"good.wav"}
    assert pl.read_csv(tmp_path / "t.quarantine.csv")["reason"].to_list() == ["unreadable"]


def test_interrupted_tagging_goes_on(
    earmark, sounds: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earmark.inference.tagger import Tagger

    out = tmp_path / "t.parquet"
    heard: list[int] = []
    whole = Tagger.listen

    def count(self: Tagger, pieces, *rest):
        heard.append(len(pieces))
        if len(heard) == 2 and fail:
            raise KeyboardInterrupt
        return whole(self, pieces, *rest)

    monkeypatch.setattr(Tagger, "listen", count)
    monkeypatch.setattr("earmark.stages.tag._FILES_AT_ONCE", 3)
    fail = True
    said = earmark("tag", trained / "run", sounds / "test", "--out", out, "--scores")
    assert said.code == 130 and "stopped; the same command goes on" in said.err and not out.exists()
    journal = out.with_name("t.parquet.journal")
    with journal.open("a") as file:
        file.write('{"file": "cut off in the mid')  # as a kill leaves it
    n_before = len(journal.read_text().splitlines()) - 2
    fail = False
    said = earmark("tag", trained / "run", sounds / "test", "--out", out, "--scores")
    assert said.code == 0 and f"{n_before} of" in said.err and n_before == 3
    assert not journal.exists()
    assert len(read_predictions(out)) == len(list((sounds / "test").iterdir()))


def test_scores_agree_with_the_metrics(earmark, sounds: Path, trained: Path) -> None:
    from earmark.data.sources.detection import detect
    from earmark.metrics import lwlrap

    test = trained / "run" / "predictions" / "test.parquet"
    said = earmark("score", test, "--truth", sounds / "test.csv", "--json", "--classes", "--against", test)
    data = json.loads(said.out)[0]
    predictions = read_predictions(test)
    targets = detect(sounds).read(sounds).targets(predictions.ids)
    assert data["scores"][0]["lwlrap"]["value"] == pytest.approx(lwlrap(targets.values, predictions.scores))
    assert data["difference"]["value"] == 0.0
    from_folder = earmark("score", test, "--truth", sounds, "--json")
    with_groups = json.loads(from_folder.out)[0]["scores"][0]  # so the interval may be another one
    assert with_groups["lwlrap"]["value"] == data["scores"][0]["lwlrap"]["value"]
    assert "lwlrap" in earmark("score", trained / "run", "--truth", sounds).out


def test_each_fold_is_trained_and_the_held_out_parts_pooled(earmark, sounds: Path, tmp_path: Path) -> None:
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "each", "-s", "training.epochs=1"))
    assert said.code == 0 and "held out, pooled" in said.err
    run = tmp_path / "run"
    assert json.loads((run / "scores.json").read_text())[0]["part"] == "held out, pooled"
    assert json.loads((run / "fold-2" / "scores.json").read_text())[0]["part"] == "held out, fold 2"
    for refused in (earmark("report", run), earmark("tag", run, sounds / "test")):
        assert refused.code == 4 and "one run a fold; name one of" in refused.err and "fold-0" in refused.err
    assert earmark("score", run, "--truth", sounds / "train_curated.csv").code == 0
    parts = [read_predictions(place) for place in sorted(run.glob("fold-*/predictions/test.parquet"))]
    assert len(parts) > 1
    mean = read_predictions(run / "predictions" / "test.parquet")
    np.testing.assert_allclose(mean.scores, np.mean([part.aligned(mean.ids).scores for part in parts], 0), atol=1e-5)
    assert "test" in {row["part"] for row in json.loads((run / "scores.json").read_text())}
    pooled = read_predictions(tmp_path / "run" / "predictions" / "held_out.parquet")
    curated = pl.read_csv(sounds / "train_curated.csv")["fname"].to_list()
    assert sorted(pooled.ids) == sorted(curated)
    given = pl.read_csv(sounds / "meta.csv").filter(pl.col("folder") == "train_curated")
    expected = dict(zip(given["fname"], given["fold"], strict=True))
    assert pooled.folds is not None and dict(zip(pooled.ids, pooled.folds.tolist(), strict=True)) == expected


def test_some_folds_are_held_out_in_turn(earmark, sounds: Path, tmp_path: Path) -> None:
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "2,0,2", "-s", "training.epochs=1"))
    assert said.code == 0 and "fold 2, 2 of 2" in said.err
    assert sorted(place.name for place in (tmp_path / "run").glob("fold-*")) == ["fold-0", "fold-2"]
    pooled = read_predictions(tmp_path / "run" / "predictions" / "held_out.parquet")
    assert pooled.folds is not None and set(pooled.folds.tolist()) == {0, 2}
    before = set(tmp_path.iterdir())
    refused = earmark(*train_arguments(sounds, tmp_path / "other", "--fold", "0,x"))
    assert refused.code == 2 and "some numbers such as 0,2" in refused.err and set(tmp_path.iterdir()) == before
    assert "there is no fold 9" in earmark(*train_arguments(sounds, tmp_path, "--fold", "0,9")).err


def test_show_speaks_of_everything(earmark) -> None:
    overview = earmark("show").out
    assert "loss" in overview and "bce" in overview and "s0" in overview
    assert "smoothing: float, default 0.0" in earmark("show", "loss.bce").out
    assert "fingerprint" in earmark("show", "s0").out
    assert "training.epochs: 80 -> 30" in earmark("show", "s0", "demo").out
    assert "training.epochs: 7 -> 30" in earmark("show", "s0", "demo", "-s", "training.epochs=7").out


def test_a_run_on_trimmed_clips_hears_files_trimmed(earmark, sounds: Path, tmp_path: Path) -> None:
    assert earmark(*train_arguments(sounds, tmp_path, "-s", "pack.trim_db=20", "-s", "training.epochs=1")).code == 0
    earmark("tag", tmp_path / "run", sounds / "test", "--out", tmp_path / "all.parquet", "--scores")
    from_store = read_predictions(tmp_path / "run" / "predictions" / "test.parquet")
    from_files = read_predictions(tmp_path / "all.parquet").aligned(from_store.ids)
    assert np.allclose(from_files.scores, from_store.scores, atol=1e-4)
