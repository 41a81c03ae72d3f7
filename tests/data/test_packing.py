"""A store holds the samples of its files, whatever happened on the way: kills, changes, full disks, bad files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from earmark.core.errors import DataError
from earmark.data.decoding import decode
from earmark.data.packing import PackReport, PackSettings, pack
from earmark.data.shards import ShardWriter
from earmark.data.store import Store

STEP = 1 / 32768


def counts(report: PackReport) -> tuple[int, int, int, int]:
    return report.n_packed, report.n_changed, report.n_kept_from_before, report.n_quarantined


def reasons(report: PackReport) -> dict[str, str]:
    return {row.file: row.reason for row in report.quarantine}


def test_16_bits_at_the_rate_of_the_store_are_exact(
    root: Path, folder: Path, write_noise: Callable[..., list[str]]
) -> None:
    files = write_noise(3)
    report = pack(files, root, folder, workers=1)
    assert counts(report) == (3, 0, 0, 0)
    store = Store.open(folder)
    for file in files:
        integers, _ = soundfile.read(root / file, dtype="int16")
        assert np.array_equal(store.read(file) * 32768, integers)
    assert report.audio_s == pytest.approx((2000 + 2001 + 2002) / 44100)
    assert store.table["scale"].to_list() == [1.0, 1.0, 1.0]
    assert set(store.table["source_rate_hz"]) == {44100}


@pytest.mark.parametrize("long", [False, True], ids=["held", "decoded again"])
def test_a_clip_louder_than_full_scale_is_scaled_and_not_clipped(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    monkeypatch.setattr("earmark.data.shards._MOST_HELD_SAMPLES", 1000 if long else 1 << 23)
    loud = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    loud[77] = 5.5
    soundfile.write(root / "loud.wav", loud, 44100, subtype="FLOAT")
    soundfile.write(root / "next.wav", loud / 8, 44100, subtype="FLOAT")
    pack(["loud.wav", "next.wav"], root, folder, workers=1)
    store = Store.open(folder)
    assert store.table["peak"][0] == 5.5
    assert store.table["scale"].to_list() == pytest.approx([5.5, 1.0], rel=1e-4)
    assert np.abs(store.read("loud.wav") - loud).max() <= 5.5 * STEP
    assert np.abs(store.read("next.wav") - loud / 8).max() <= STEP


def test_another_rate_is_resampled_to_the_step(root: Path, folder: Path, write_noise: Callable[..., list[str]]) -> None:
    files = write_noise(2, 30_000, 48000)
    pack(files, root, folder, PackSettings(rate_hz=32000), workers=1)
    store = Store.open(folder)
    for file in files:
        expected = decode(root / file, 32000)
        scale = store.table["scale"][files.index(file)]
        assert np.abs(store.read(file) - expected).max() <= 0.51 * STEP * scale


def test_trimming_leaves_what_librosa_leaves(root: Path, folder: Path) -> None:
    rng = np.random.default_rng(2)
    for name, lead in (("a.wav", 20_000), ("b.wav", 0), ("c.wav", 5)):
        signal = np.concatenate([np.zeros(lead), rng.uniform(-0.5, 0.5, 9000), np.zeros(15_000)])
        soundfile.write(root / name, signal + rng.uniform(-3e-5, 3e-5, len(signal)), 44100)
    files = ["a.wav", "b.wav", "c.wav"]
    report = pack(files, root, folder, PackSettings(trim_db=60), workers=1)
    assert report.audio_s < 3 * 11_000 / 44100
    store = Store.open(folder)
    for file in files:
        expected, _ = librosa.effects.trim(decode(root / file, 44100), top_db=60)
        assert np.array_equal(store.read(file), expected)


def test_a_second_call_keeps_what_is_there_and_a_changed_source_is_packed_again(
    root: Path, folder: Path, write_noise: Callable[..., list[str]]
) -> None:
    files = write_noise(4)
    pack(files[:3], root, folder, workers=1)
    soundfile.write(root / files[1], np.zeros(3000) + 0.25, 44100)
    (root / files[0]).unlink()
    report = pack([*files, files[0]], root, folder, workers=1)
    assert counts(report) == (1, 1, 2, 0)
    store = Store.open(folder)
    assert set(store.read(files[1])) == {np.float32(0.25)}
    assert len(store.read(files[0])) == 2000  # the source is gone, the clip is not
    assert counts(pack(files[2:3], root, folder, workers=1)) == (0, 0, 1, 0)
    assert len(Store.open(folder)) == 4  # nothing is lost by asking for less


def test_a_source_that_turns_bad_leaves_the_store(
    root: Path, folder: Path, write_noise: Callable[..., list[str]]
) -> None:
    files = write_noise(2)
    pack(files, root, folder, workers=1)
    (root / files[0]).write_text("dear diary")
    report = pack(files, root, folder, workers=1)
    assert counts(report) == (0, 0, 1, 1)
    assert files[0] not in Store.open(folder)


def test_bad_files_stop_nothing_and_are_told_with_their_reasons(
    root: Path, folder: Path, write_noise: Callable[..., list[str]], store_holds: Callable[[list[str]], bool]
) -> None:
    (good,) = write_noise(1)
    (root / "text.wav").write_text("dear diary")
    soundfile.write(root / "zero.wav", np.zeros(0), 44100)
    soundfile.write(root / "short.wav", np.full(40, 0.1), 44100)
    soundfile.write(root / "nan.wav", np.array([0.1, np.nan] * 500), 44100, subtype="FLOAT")
    soundfile.write(root / "wild.wav", np.array([0.1, 1e30] * 500), 44100, subtype="FLOAT")
    soundfile.write(root / "cut.wav", np.full(5000, 0.1), 44100)
    (root / "cut.wav").write_bytes((root / "cut.wav").read_bytes()[:4000])
    files = ["text.wav", "zero.wav", "none.wav", "short.wav", good, "nan.wav", "wild.wav", "cut.wav"]
    report = pack(files, root, folder, workers=1)
    assert counts(report) == (1, 0, 0, 7)
    assert reasons(report) == {
        "text.wav": "unreadable",
        "zero.wav": "zero_frames",
        "none.wav": "missing",
        "short.wav": "too_short",
        "nan.wav": "not_finite",
        "wild.wav": "absurd_level",
        "cut.wav": "truncated",
    }
    assert store_holds([good])
    assert Store.open(folder).quarantine["file"].to_list() == sorted(set(files) - {good})
    details = {row.file: row.detail for row in report.quarantine}
    assert details["short.wav"] == "it is 0.91 ms long, and clips shorter than 2 ms are left out"


def test_bad_files_are_tried_again_when_they_change_or_when_told(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.wav").write_text("dear diary")
    tried: list[str] = []
    append = ShardWriter.append
    monkeypatch.setattr(ShardWriter, "append", lambda self, job: (tried.append(job.file), append(self, job))[1])
    for _ in range(3):
        report = pack(["a.wav", "b.wav"], root, folder, workers=1)
        assert reasons(report) == {"a.wav": "unreadable", "b.wav": "missing"}
    assert tried == ["a.wav", "b.wav"]
    pack(["a.wav", "b.wav"], root, folder, workers=1, retry=True)
    assert tried == ["a.wav", "b.wav"] * 2
    for file in ("a.wav", "b.wav"):
        soundfile.write(root / file, np.full(500, 0.5), 44100)
    report = pack(["a.wav", "b.wav"], root, folder, workers=1)
    assert counts(report) == (2, 0, 0, 0)
    assert report.quarantine == ()
    assert Store.open(folder).quarantine.is_empty()


@pytest.mark.parametrize("on_silence", ["keep", "quarantine"])
def test_silence_is_flagged_or_left_out(root: Path, folder: Path, on_silence: str) -> None:
    soundfile.write(root / "zeros.wav", np.zeros(500), 44100)
    soundfile.write(root / "hiss.wav", np.full(500, 8 * STEP), 44100)
    soundfile.write(root / "quiet.wav", np.full(500, 20 * STEP), 44100)
    files = ["zeros.wav", "hiss.wav", "quiet.wav"]
    settings = PackSettings.model_validate({"on_silence": on_silence})
    report = pack(files, root, folder, settings, workers=1)
    kept = on_silence == "keep"
    assert [(row.file, row.reason, row.detail, row.kept) for row in report.quarantine] == [
        ("zeros.wav", "silent", "every sample is zero", kept),
        ("hiss.wav", "silent", "its peak is -72.2 dB of full scale", kept),
    ]
    assert counts(report) == ((3, 0, 0, 0) if kept else (1, 0, 0, 2))
    table = Store.open(folder).table
    flags = {"hiss.wav": True, "quiet.wav": False, "zeros.wav": True} if kept else {"quiet.wav": False}
    assert dict(zip(table["file"], table["silent"], strict=True)) == flags
    again = pack(files, root, folder, settings, workers=1)
    assert again.quarantine == report.quarantine
    assert again.n_packed == 0


def test_only_digital_silence_is_silent_without_a_level(root: Path, folder: Path) -> None:
    soundfile.write(root / "zeros.wav", np.zeros(500), 44100)
    soundfile.write(root / "hiss.wav", np.full(500, 2 * STEP), 44100)
    report = pack(["zeros.wav", "hiss.wav"], root, folder, PackSettings(silence_db=None), workers=1)
    assert reasons(report) == {"zeros.wav": "silent"}


def test_other_settings_are_refused_with_both_values(
    root: Path, folder: Path, write_noise: Callable[..., list[str]]
) -> None:
    files = write_noise(1)
    pack(files, root, folder, workers=1)
    with pytest.raises(DataError, match="was packed with rate_hz 44100 and rate_hz 32000 was asked for") as caught:
        pack(files, root, folder, PackSettings(rate_hz=32000), workers=1)
    assert caught.value.path == folder


def test_nothing_to_pack_is_an_empty_store(root: Path, folder: Path) -> None:
    assert counts(pack([], root, folder)) == (0, 0, 0, 0)
    assert len(Store.open(folder)) == 0


def test_every_file_from_the_wild_is_packed_or_told_with_the_true_reason(
    shared_data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shared_data / "fixtures"
    files = sorted(path.name for path in root.iterdir() if path.suffix != ".csv")
    (phone,) = [file for file in files if file.endswith(".3gp")]
    monkeypatch.setitem(sys.modules, "av", None)
    report = pack(files, root, folder, workers=1)
    assert reasons(report) == {"000_bub0.wav": "silent", "empty_2c.wav": "zero_frames", phone: "unreadable"}
    assert {row.file: row.kept for row in report.quarantine}["000_bub0.wav"]
    assert 'pip install "earmark[av]"' in {row.file: row.detail for row in report.quarantine}[phone]
    monkeypatch.undo()
    pytest.importorskip("av", reason="needs the extra: pip install 'earmark[av]'")
    report = pack(files, root, folder, workers=1, retry=True)
    assert reasons(report) == {"000_bub0.wav": "silent", "empty_2c.wav": "zero_frames"}
    assert counts(report) == (1, 0, len(files) - 2, 1)
    store = Store.open(folder)
    for row in store.table.iter_rows(named=True):
        expected = decode(root / row["file"], 44100)
        assert row["n_samples"] == len(expected)
        assert np.abs(store.read(row["file"]) - expected).max() <= 0.51 * STEP * row["scale"]
        assert row["source_bytes"] == (root / row["file"]).stat().st_size


def test_settings_say_what_is_wrong() -> None:
    check: Callable[[dict[str, object]], PackSettings] = PackSettings.model_validate
    for wrong in ({"rate_hz": 0}, {"trim_db": -1.0}, {"on_silence": "drop"}, {"rate": 44100}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            check(wrong)
