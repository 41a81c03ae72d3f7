"""Any clip can be tagged, from two milliseconds to hours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from earmark.inference.tagger import Tagger, load_tagger

RATE_HZ = 8000


def click(path: Path, seconds: float) -> Path:
    wave = np.zeros(round(seconds * RATE_HZ), np.float32)
    wave[len(wave) // 2] = 0.9
    soundfile.write(path, wave, RATE_HZ)
    return path


def test_from_milliseconds_on(earmark, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for seconds in (0.001, 0.002, 0.003, 0.05, 1.0):
        click(tmp_path / "in" / f"{seconds}.wav", seconds)
    said = earmark("tag", trained / "run", tmp_path / "in", "--out", tmp_path / "t.csv", "--top", 1)
    assert said.code == 0, said.err
    tags = pl.read_csv(tmp_path / "t.csv")
    assert sorted(tags["fname"]) == ["0.001.wav", "0.002.wav", "0.003.wav", "0.05.wav", "1.0.wav"]
    assert tags["probability"].is_between(0, 1).all()


@pytest.mark.slow
def test_to_hours(earmark, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with soundfile.SoundFile(tmp_path / "night.wav", "w", RATE_HZ, 1, subtype="PCM_U8") as file:
        minute = 0.3 * np.sin(2 * np.pi * 440 / RATE_HZ * np.arange(60 * RATE_HZ))
        for _ in range(120):
            file.write(minute)
    heard: list[int] = []
    listen = Tagger.listen

    def watched(self: Tagger, pieces, *rest):
        heard.append(sum(map(len, pieces)))
        return listen(self, pieces, *rest)

    monkeypatch.setattr(Tagger, "listen", watched)
    said = earmark("tag", trained / "run", tmp_path / "night.wav", "--out", tmp_path / "t.csv", "--top", 1)
    assert said.code == 0 and pl.read_csv(tmp_path / "t.csv").height == 1
    rate_hz = load_tagger(trained / "run").settings.pack.rate_hz
    assert sum(heard) == pytest.approx(7200 * rate_hz, rel=1e-6) and max(heard) < 1000 * rate_hz, (
        "a few pieces at a time"
    )
