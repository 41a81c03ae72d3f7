"""Tagging goes on: with other files where one is bad, with its journal where that was cut, in bounded memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from earmark.core.errors import DataError
from earmark.data.tables import read_predictions
from earmark.inference.tagger import Tagger
from tests.cli.test_bad_input import refused


def test_a_file_that_gives_nan_does_not_stop_the_others(
    earmark, sounds: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted((sounds / "test").iterdir())[:3]
    lengths = [len(soundfile.read(path)[0]) for path in files]
    files = files[: 1 + max(i for i, n in enumerate(lengths) if n != lengths[0])]
    heard = Tagger.listen

    def fails(self: Tagger, pieces, *rest):
        if any(len(piece) == lengths[0] for piece in pieces):
            raise DataError("the network gave NaN")
        return heard(self, pieces, *rest)

    monkeypatch.setattr(Tagger, "listen", fails)
    said = earmark("tag", trained / "run", *files, "--out", tmp_path / "t.csv")
    assert said.code == 6 and "gave NaN" in said.err
    bad = pl.read_csv(tmp_path / "t.quarantine.csv")
    assert bad["fname"][0] == str(files[0]) and bad["reason"][0] == "not_finite"
    assert set(pl.read_csv(tmp_path / "t.csv")["fname"]) == {str(path) for path in files} - set(bad["fname"])


@pytest.mark.parametrize("seconds", [0.7, 70.0])
def test_stretches_longer_than_a_window_are_heard_in_pieces(
    earmark, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    rate_hz = 16000
    wave = np.random.default_rng(1).normal(0, 0.1, round(seconds * rate_hz))
    soundfile.write(tmp_path / "long.wav", wave, rate_hz)
    longest: list[float] = []
    heard = Tagger.listen

    def watch(self: Tagger, pieces, *rest):
        longest.append(sum(len(piece) for piece in pieces) / self.settings.rate_hz)
        return heard(self, pieces, *rest)

    monkeypatch.setattr(Tagger, "listen", watch)
    out = tmp_path / "t.parquet"
    assert earmark("tag", trained / "run", tmp_path / "long.wav", "--every", 1e6, "--scores", "--out", out).code == 0
    by_stretch = read_predictions(out)
    assert earmark("tag", trained / "run", tmp_path / "long.wav", "--scores", "--out", out).code == 0
    assert np.array_equal(by_stretch.scores, read_predictions(out).scores) and len(by_stretch) == 1
    assert max(longest) <= 30.0


@pytest.mark.parametrize("every", ["nan", "inf", "0", "-1"])
def test_stretches_without_a_length_are_refused(earmark, sounds: Path, trained: Path, every: str) -> None:
    said = earmark("tag", trained / "run", sounds / "test", "--every", every)
    assert said.code == 2 and "--every" in said.err and "Traceback" not in said.err


def test_a_journal_that_was_cut_or_damaged_is_gone_on_with(
    earmark, sounds: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted((sounds / "test").iterdir())[:3]
    out = tmp_path / "t.csv"
    journal = tmp_path / "t.csv.journal"
    for begun in ("", '{"jour', '{"journal": "0123'):
        journal.write_text(begun)
        assert earmark("tag", trained / "run", *files, "--out", out).code == 0
    journal.write_text("my diary")
    refused(earmark("tag", trained / "run", *files, "--out", out), 4, "not a journal")
    journal.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # the journal stays, as after a kill at the end
        earmark("tag", trained / "run", *files, "--out", out)
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([*lines[:2], lines[2][:20], *lines[3:]]) + "\n")
    said = earmark("tag", trained / "run", *files, "--out", out)
    assert said.code == 0 and "1 damaged line" in said.err and "2 of 3 files were heard before" in said.err


def test_a_file_without_a_tag_keeps_a_row(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    clip = min((sounds / "test").iterdir())
    for name in ("t.csv", "t.parquet"):
        assert earmark("tag", trained / "run", clip, "--threshold", 1, "--out", tmp_path / name).code == 0
    row = pl.read_parquet(tmp_path / "t.parquet").row(0, named=True)
    assert row == {"fname": str(clip), "rank": None, "label": "", "probability": None}
    assert pl.read_csv(tmp_path / "t.csv").height == 1


def test_scores_as_jsonl_are_refused_before_anything_is_heard(earmark, trained: Path, tmp_path: Path) -> None:
    said = earmark("tag", trained / "run", tmp_path / "none.wav", "--scores", "--out", tmp_path / "t.jsonl")
    refused(said, 2, "--scores writes a table")
    assert json.dumps(sorted(tmp_path.iterdir())) == "[]"
