"""``earmark audit`` as somebody types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from earmark.audit import adversary
from tests.audit.conftest import RATE_HZ, sound


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(adversary._TREES, "max_iter", 10)
    monkeypatch.setattr(adversary, "N_SPLITS", 2)


FEW = ("-s", "audit.n_resamples=100", "-s", "audit.workers=1")


def test_the_findings_go_to_standard_output_and_embeddings_are_kept(
    earmark, sounds: Path, trained: Path, tmp_path: Path, monkeypatch
) -> None:
    arguments = ("audit", sounds, "--run", trained / "run", "--out", tmp_path / "out", *FEW)
    said = earmark(*arguments)
    assert said.code == 0, said.err
    assert "note:" in said.out and "embeddings of the run" in said.out and "report:" in said.err
    assert "packed in" not in said.err  # the store is that of the run
    assert (tmp_path / "out" / "audit.html").is_file()
    assert len(list((tmp_path / "out" / "embeddings").glob("*/part-*.parquet"))) == 1
    monkeypatch.setattr("earmark.stages.audit.embed", None)
    again = earmark(*arguments)
    assert again.code == 0 and again.out == said.out


def test_a_bare_folder_with_bad_files_is_audited(earmark, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for at in range(12):
        soundfile.write(folder / f"{at:02}.wav", sound(at, 0.3), RATE_HZ)
    soundfile.write(folder / "copy.wav", sound(3, 0.3), RATE_HZ)
    soundfile.write(folder / "silent.wav", np.zeros(8000), RATE_HZ)
    (folder / "bad.wav").write_text("no sound")
    said = earmark("audit", folder, "--out", tmp_path / "out", "--store", tmp_path / "store", *FEW)
    assert said.code == 6
    lines = said.out.splitlines()
    assert any(line.startswith("fault:") and "1 file cannot be used (1 unreadable)" in line for line in lines)
    assert any("1 clip is silent" in line for line in lines) and any("1 more pair" in line for line in lines)
    pairs = pl.read_csv(tmp_path / "out" / "tables" / "duplicates.csv")
    assert sorted(pairs.select("a", "b").row(0)) == ["03.wav", "copy.wav"] and pairs.height == 1


def test_what_makes_no_sense_is_refused_in_a_sentence(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    for arguments, code, words in (
        ((sounds, *out, "-s", "audit.near_corelation=0.5"), 2, "did you mean 'near_correlation'?"),
        ((sounds, *out, "-s", "audit.seed=x"), 2, "seed"),
        ((sounds, *out, "--run", trained / "run", "--recipe", "small"), 2, "not both"),
        ((sounds, *out, "--run", tmp_path), 4, "is no run"),
        ((tmp_path / "nowhere", *out), 3, "nowhere"),
    ):
        said = earmark("audit", *arguments)
        assert said.code == code and words in said.err and "Traceback" not in said.err, said.err
    assert not (tmp_path / "out").exists()
