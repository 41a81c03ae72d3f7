"""Decoding agrees with the libraries it is made of, and says the true reason when it cannot."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import soxr

from earmark.core.errors import DataError
from earmark.data.audio import BadAudio
from earmark.data.decoding import blocks, decode, probe

STEP = 1 / 32768


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file and gives its path."""

    def write(name: str, signal: np.ndarray, rate_hz: int = 44100, **how: str) -> Path:
        soundfile.write(tmp_path / name, signal, rate_hz, **how)
        return tmp_path / name

    return write


@pytest.fixture
def without_av(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the av extra were not installed."""
    monkeypatch.setitem(sys.modules, "av", None)


def noise(n_samples: int, n_channels: int = 1, seed: int = 0) -> np.ndarray:
    quiet = 0.1 * np.random.default_rng(seed).standard_normal((n_samples, n_channels))
    return quiet.clip(-0.9, 0.9).astype(np.float32).squeeze()


def reason(path: Path, **part: float) -> tuple[str, str]:
    with pytest.raises(BadAudio) as caught:
        decode(path, 44100, **part)
    assert caught.value.path == path
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 32000), (48000, 44100), (44101, 44100), (8000, 44100)])
def test_a_stream_of_blocks_is_the_whole_file_resampled_at_once(
    write: Callable[..., Path], from_hz: int, to_hz: int
) -> None:
    path = write("a.wav", noise(3 * from_hz), from_hz, subtype="FLOAT")
    whole = soxr.resample(soundfile.read(path, dtype="float32")[0], from_hz, to_hz, "HQ")
    for block_s in (30.0, 0.25, 0.0101):
        streamed = np.concatenate(list(blocks(path, to_hz, block_s=block_s)))
        assert len(streamed) == len(whole)
        assert np.abs(streamed - whole).max() < STEP / 2


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"])
def test_blocks_and_parts_are_cuts_of_the_whole_for_every_coder(write: Callable[..., Path], name: str) -> None:
    path = write(name, noise(120_000))
    whole, _ = soundfile.read(path, dtype="float32")
    assert np.array_equal(np.concatenate(list(blocks(path, 44100, block_s=0.021))), whole)
    for start in (1, 5000, 61_234, 119_000):
        part = decode(path, 44100, start / 44100, (start + 900) / 44100)
        assert np.abs(part - whole[start : start + 900]).max() < STEP / 2


def test_ogg_parts_are_exact_to_the_end_where_seeking_is_not(shared_data: Path) -> None:
    path = shared_data / "fixtures" / "1-187207-A.ogg"
    whole = decode(path, 44100)
    for start in range(177_000, len(whole) - 500, 3989):
        assert np.array_equal(decode(path, 44100, start / 44100, (start + 500) / 44100), whole[start : start + 500])


def test_channels_are_averaged_and_16_bits_are_exact(write: Callable[..., Path]) -> None:
    integers = np.random.default_rng(1).integers(-32768, 32768, (999, 3)).astype(np.int16)
    three = write("three.wav", integers)
    assert decode(three, 44100) == pytest.approx(integers.mean(axis=1) * STEP, abs=1e-6)
    one = write("one.wav", integers[:, 0])
    assert np.array_equal(decode(one, 44100), integers[:, 0] * np.float32(STEP))


def test_probe_reads_the_header(write: Callable[..., Path]) -> None:
    info = probe(write("a.flac", noise(4410, 2)))
    assert (info.rate_hz, info.n_frames, info.n_channels, info.format, info.subtype, info.seconds) == (
        *(44100, 4410, 2, "FLAC", "PCM_16"),
        0.1,
    )


def test_a_part_ends_with_the_file_and_must_begin_in_it(write: Callable[..., Path]) -> None:
    path = write("a.wav", noise(4410))
    assert len(decode(path, 44100, 0.05, 99.0)) == 2205
    assert len(decode(path, 44100, 0.05, 0.05)) == 0
    assert reason(path, start_s=0.1) == ("too_short", "it ends before 0.1 s, where the clip begins")
    with pytest.raises(DataError, match="give 0 <= start_s <= end_s"):
        decode(path, 44100, 2.0, 1.0)


def test_what_is_not_there_or_not_audio_says_so(tmp_path: Path) -> None:
    assert reason(tmp_path / "no.wav") == ("missing", "there is no such file")
    assert reason(tmp_path) == ("unreadable", "it is a folder")
    (tmp_path / "empty.wav").touch()
    assert reason(tmp_path / "empty.wav") == ("unreadable", "the file is empty (0 bytes)")
    (tmp_path / "text.wav").write_text("dear diary\n" * 50)
    word, detail = reason(tmp_path / "text.wav")
    assert word == "unreadable"
    assert "Format not recognised" in detail


def test_a_text_file_is_unreadable_without_ffmpeg_too(tmp_path: Path, without_av: None) -> None:
    (tmp_path / "text.wav").write_text("dear diary\n" * 50)
    word, detail = reason(tmp_path / "text.wav")
    assert word == "unreadable"
    assert "Format not recognised" in detail
    assert 'pip install "earmark[av]"' in detail


def test_samples_without_a_header_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "text.raw").write_bytes(bytes(range(200)))
    word, detail = reason(tmp_path / "text.raw")
    assert word == "unreadable"
    assert "without a header" in detail


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.flac", "a.au", "a.w64", "a.mp3"])
def test_a_file_that_was_cut_off_is_truncated(write: Callable[..., Path], name: str) -> None:
    path = write(name, noise(100_000))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    assert reason(path)[0] == "truncated"
    assert len(decode(path, 44100, 0.1, 0.5)) == 17640  # what is there can be had by asking for it


def test_recorders_that_never_filled_in_the_length_are_not_called_truncated(write: Callable[..., Path]) -> None:
    path = write("a.wav", noise(5000))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    for length in (0xFFFFFFFF, 0x80000000 - 36, 0x7FFFF000, 10_044):
        content[at : at + 4] = length.to_bytes(4, "little")
        path.write_bytes(content)
        assert len(decode(path, 44100)) == 5000


def test_zero_frames_and_numbers_that_are_not_finite(write: Callable[..., Path]) -> None:
    assert reason(write("zero.wav", np.zeros(0)))[0] == "zero_frames"
    ill = noise(3000)
    ill[2205] = np.nan
    path = write("nan.wav", ill, subtype="FLOAT")
    assert reason(path) == ("not_finite", "its sample at 0.0500 s is not a finite number")
    assert len(decode(path, 44100, 0.0, 0.05)) == 2205


def test_a_level_that_is_no_sound_is_said_and_unscaled_integers_are_sound(write: Callable[..., Path]) -> None:
    ill = np.stack([noise(3000), noise(3000, seed=1)], axis=1)
    ill[2205, 1] = -3e30
    assert reason(write("wild.wav", ill, subtype="FLOAT")) == (
        "absurd_level",
        "from 0.0500 s on its peak is 3e+30 times full scale, which is no level of sound",
    )
    unscaled = noise(3000) * 2**23
    assert np.array_equal(decode(write("24 bits.wav", unscaled, subtype="FLOAT"), 44100), unscaled)


def test_a_flac_stream_of_unknown_length_is_counted(write: Callable[..., Path], without_av: None) -> None:
    path = write("piped.flac", noise(50_001))
    whole = decode(path, 44100)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the low 36 bits of bytes 21 to 25 are the number of samples; 0 means nobody knew
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert probe(path).n_frames == 50_001
    assert np.array_equal(decode(path, 44100), whole)
    path.write_bytes(content[: len(content) // 2])
    assert reason(path)[0] == "truncated"


def test_an_mp3_without_a_length_tag_is_not_cut_short_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.mp3"
    loud_and_quiet = np.concatenate([noise(200_000), 1e-4 * noise(800_000)])
    how = {"compression_level": 0.5, "bitrate_mode": "VARIABLE"}
    soundfile.write(path, loud_and_quiet, 44100, **how)  # type: ignore[arg-type]
    tagged = path.read_bytes()
    # The frame that carries the tag holds no sound: without it the file is what old encoders wrote.
    path.write_bytes(tagged[tagged.index(tagged[:2], tagged.index(b"Xing")) :])
    with soundfile.SoundFile(path) as believed:
        assert believed.frames < 0.9 * len(loud_and_quiet)
    assert probe(path).n_frames == pytest.approx(len(loud_and_quiet), abs=4 * 1152)
    monkeypatch.setitem(sys.modules, "av", None)
    assert reason(path)[0] == "unreadable"


def test_a_bad_file_can_be_reported_by_another_process(tmp_path: Path) -> None:
    with pytest.raises(BadAudio) as caught:
        decode(tmp_path / "no.wav", 44100)
    there = pickle.loads(pickle.dumps(caught.value))
    assert (str(there), there.reason, there.detail) == (str(caught.value), "missing", "there is no such file")


@pytest.mark.filterwarnings("ignore:.*(aifc|audioop|sunau).*:DeprecationWarning")  # what librosa.load imports
@pytest.mark.parametrize("extension", [".wav", ".ogg", ".mp3", ".flac"])
def test_files_from_the_wild_decode_as_librosa_decodes_them(shared_data: Path, extension: str) -> None:
    paths = [path for path in (shared_data / "fixtures").glob(f"*{extension}") if path.name != "empty_2c.wav"]
    assert paths
    for path in paths:
        with soundfile.SoundFile(path) as file:
            expected, rate_hz = librosa.load(path, sr=None, mono=True)
            assert probe(path).rate_hz == rate_hz == file.samplerate
        at_rate = decode(path, int(rate_hz))
        assert len(at_rate) == len(expected)
        assert np.abs(at_rate - expected).max() < STEP / 2
        resampled = librosa.resample(expected, orig_sr=rate_hz, target_sr=44100, res_type="soxr_hq")
        ours = decode(path, 44100)
        # librosa rounds the length up and soxr to the nearest sample.
        assert abs(len(ours) - len(resampled)) <= 1
        n = min(len(ours), len(resampled))
        assert np.abs(ours[:n] - resampled[:n]).max() < STEP / 2


def test_a_phone_recording_needs_the_extra(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = (shared_data / "fixtures").glob("*.3gp")
    monkeypatch.setitem(sys.modules, "av", None)
    word, detail = reason(path)
    assert word == "unreadable"
    assert 'pip install "earmark[av]"' in detail
    monkeypatch.undo()
    pytest.importorskip("av", reason="needs the extra: pip install 'earmark[av]'")
    info = probe(path)
    assert (info.rate_hz, info.n_frames, info.subtype) == (8000, 27680, "amrnb")
    whole = decode(path, 8000)
    assert 0.01 < np.abs(whole).max() < 1
    assert np.array_equal(decode(path, 8000, 0.5, 1.25), whole[4000:10000])
