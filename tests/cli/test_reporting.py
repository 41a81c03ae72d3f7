"""Reports can be made again from anywhere, and say in one sentence why they cannot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from earmark.cli.commands import app
from earmark.demo.dataset import DemoSettings, generate
from tests.cli.conftest import train_arguments
from tests.cli.test_bad_input import refused


def test_a_report_is_written_from_any_folder_without_packing_again(
    earmark, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = json.loads((trained / "run" / "run.json").read_text())
    assert Path(facts["data"]).is_absolute() and facts["store"] == str((trained / "store").resolve())
    before = (trained / "run" / "scores.json").read_text()
    monkeypatch.chdir(tmp_path)
    said = earmark("report", trained / "run")
    assert said.code == 0 and "held out, fold 0" in said.err and not list(tmp_path.iterdir())
    assert (trained / "run" / "scores.json").read_text() == before


def test_there_is_no_report_without_a_run(earmark, trained: Path, tmp_path: Path) -> None:
    refused(earmark("report", tmp_path), 4, "no finished run")
    shutil.copytree(trained / "run", tmp_path / "run")
    log = tmp_path / "run" / "log.jsonl"
    log.write_text(log.read_text()[:-20])
    refused(earmark("report", tmp_path / "run"), 4, "line 2", "log.jsonl")


def test_other_data_than_a_runs_own_take_the_place_of_nothing(earmark, trained: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    generate(other, DemoSettings(size=0.02, seed=9), workers=1)
    shutil.copytree(trained / "run", tmp_path / "run")
    before = {place: place.read_bytes() for place in (tmp_path / "run").rglob("*") if place.is_file()}
    store = ("--data", other, "--store", tmp_path / "store")
    for command in (("report",), ("predict",), ("predict", "--part", "held_out", "--as", "x")):
        said = earmark(command[0], tmp_path / "run", *command[1:], *store)
        refused(said, 3, "has learnt from none of the", "name the data that it was trained on")
    soup = ("soup", tmp_path / "run", trained / "run", "--out", tmp_path / "soup")
    refused(earmark(*soup, *store), 3, "has learnt from none of the")
    assert before == {place: place.read_bytes() for place in (tmp_path / "run").rglob("*") if place.is_file()}
    assert not (tmp_path / "store").exists() and not (tmp_path / "soup").exists(), "nothing was packed for it"


def test_a_quarantined_clip_is_told_and_no_reason_to_refuse(earmark, sounds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    shutil.copytree(sounds, folder)
    min((folder / "test").iterdir()).write_text("a letter to a friend")
    said = earmark(*train_arguments(folder, tmp_path, "-s", "training.epochs=1"))
    assert said.code == 6 and "test: 1 clips without prediction (quarantined)" in said.err
    for truth in (folder, folder / "test.csv"):
        said = earmark("score", tmp_path / "run", "--truth", truth)
        assert said.code == 0 and "1 clips without prediction (quarantined)" in said.err


def test_a_clip_of_the_report_ends_where_its_span_ends() -> None:
    from earmark.core.manifest import Manifest
    from earmark.core.predictions import Predictions
    from earmark.stages.report import _looked_at
    from earmark.stages.score import judge
    from tests.cli.test_scoring import manifest_of

    class Store:
        rate_hz = 10

        def n_samples(self, file: str) -> int:
            return 100

        def read(self, file: str, start: int, n: int):
            return np.zeros(n, np.float32)

    plain = manifest_of()
    spans = plain.clips.with_columns(start_s=np.full(6, 1.0), end_s=np.array([1.5, 2.0, 3.0, 4.0, 50.0, 50.0]))
    manifest = Manifest.of(spans, plain.labels, classes=plain.classes)
    judged = judge(Predictions(manifest.ids, ("a", "b"), np.eye(6, 2, dtype=np.float32)), manifest)
    worst = {clip.id: len(clip.wave) for clip in _looked_at(judged, manifest, Store())["worst"]}
    assert [worst[name] for name in "cdefgt"] == [5, 10, 20, 30, 90, 90]


@pytest.mark.parametrize("size", ["-1", "0", "nan"])
def test_a_demo_without_a_size_is_refused(earmark, tmp_path: Path, size: str) -> None:
    said = earmark("demo", tmp_path / "d", "--size", size)
    assert said.code == 2 and "size" in said.err and not (tmp_path / "d").exists()


def test_the_commands_of_the_demo_can_be_typed(earmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in ("train_runs", "tag_sounds", "score_predictions"):
        monkeypatch.setattr(f"earmark.cli.demonstration.{step}", lambda *_: 0)
    said = earmark("demo", tmp_path / "my demo", "--size", 0.02, "-s", "a.b=[1, 2]")
    assert f"--store '{tmp_path / 'my demo' / 'store'}'" in said.err and "-s 'a.b=[1, 2]'" in said.err


def test_only_the_first_of_several_processes_speaks(earmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    said = earmark("report", tmp_path)
    assert said.code == 4 and said.err == ""


def test_a_class_in_the_current_folder_can_be_named(earmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_to_find.py").write_text("word = 'found'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["nowhere"])
    monkeypatch.setattr("earmark.cli.main.app", lambda: print(__import__("mine_to_find").word))
    assert earmark().out == "found\n"
    assert callable(app)
