"""What is measured of a clip: against arithmetic, against Welch's method, and with planted faults."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from earmark.audit.measures import MEASURES
from earmark.audit.meter import FLOOR_DB, Meter
from tests.audit.conftest import RATE_HZ, blocks, sound

METER = Meter(RATE_HZ)
SECOND = np.arange(RATE_HZ) / RATE_HZ


def values(wave: np.ndarray, meter: Meter = METER) -> dict[str, float]:
    return meter.measure(blocks(wave)).values


def band_passed(low_hz: float, high_hz: float, seconds: float = 2.0) -> np.ndarray:
    n = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    wave = np.fft.irfft(np.where((hz >= low_hz) & (hz <= high_hz), spectrum, 1e-6 * spectrum), n)
    return 0.1 * wave / wave.std()


def test_every_measure_is_there_and_a_sine_is_what_it_is() -> None:
    found = values(0.5 * np.sin(2 * np.pi * 1000 * SECOND))
    assert list(found) == list(MEASURES)
    assert found["seconds"] == 1.0
    assert found["peak_db"] == pytest.approx(-6.02, abs=0.01)
    assert found["rms_db"] == pytest.approx(-9.03, abs=0.01)
    assert found["crest_db"] == pytest.approx(3.01, abs=0.01)
    assert found["loud_db"] == pytest.approx(-9.03, abs=0.05) == found["quiet_db"]
    assert found["centroid_hz"] == pytest.approx(1000, abs=20)
    assert (found["silence"], found["lead_s"], found["tail_s"], found["clipped"]) == (0, 0, 0, 0)
    assert abs(found["offset"]) < 1e-4


def test_spectra_are_those_of_welch() -> None:
    """Over a whole number of hops both average the same frames."""
    wave = sound(3, 600 * METER.hop_samples / RATE_HZ)  # longer than two blocks
    _, power = scipy.signal.welch(
        wave, RATE_HZ, "hann", METER.n_fft, METER.hop_samples, detrend=False, scaling="spectrum"
    )
    power[1:-1] *= 2  # a spectrum of power has half the square of an amplitude
    hz = np.fft.rfftfreq(METER.n_fft, 1 / RATE_HZ)
    found = METER.measure(blocks(wave))
    inside = (METER.centres_hz > 1000) & (METER.centres_hz < 7000)
    expected = np.interp(METER.centres_hz, hz, 10 * np.log10(power))
    assert np.allclose(found.spectrum_db[inside], expected[inside], atol=1.5)
    total = 10 * np.log10((power[2:]).sum())
    assert found.values["rms_db"] == pytest.approx(total - 10 * np.log10(3), abs=0.05)  # Hann: 1.5 bins, and 1/2


def test_a_gain_changes_levels_and_nothing_else() -> None:
    wave = sound(1)
    one, other = METER.measure(blocks(wave)), METER.measure(blocks(0.25 * wave))
    for name in MEASURES:
        shift = -12.04 if name in ("peak_db", "rms_db", "loud_db", "quiet_db") else 0.0
        if name not in ("offset", "flatness_db"):
            assert other.values[name] == pytest.approx(one.values[name] + shift, abs=0.02), name
    assert np.allclose(other.spectrum_db, one.spectrum_db - 12.041, atol=0.01)
    assert np.allclose(other.std_db, one.std_db, atol=0.01)


def test_silence_is_found_where_it_was_put() -> None:
    hop_s = METER.hop_samples / RATE_HZ
    quiet = 1e-5 * np.random.default_rng(0).standard_normal(RATE_HZ)
    found = values(np.concatenate([quiet, sound(0, 2.0), quiet[: RATE_HZ // 2]]))
    assert found["lead_s"] == pytest.approx(1.0, abs=hop_s)
    assert found["tail_s"] == pytest.approx(0.5, abs=hop_s)
    assert found["silence"] == pytest.approx(1.5 / 3.5, abs=0.03)
    assert values(sound(0))["silence"] == 0


def test_levels_of_the_quiet_part_are_of_what_sounds() -> None:
    found = values(np.concatenate([sound(0, 2.0), 0.1 * sound(0, 2.0), np.zeros(4 * RATE_HZ)]))
    assert found["loud_db"] - found["quiet_db"] == pytest.approx(20, abs=8)


@pytest.mark.parametrize("drive", [1.1, 2.0, 8.0])
def test_flat_tops_are_clipping(drive: float) -> None:
    wave = np.clip(drive * np.sin(2 * np.pi * 440 * SECOND), -1, 1)
    expected = 1 - 2 / np.pi * np.arcsin(0.999 / drive)
    assert values(0.7 * wave)["clipped"] == pytest.approx(expected, rel=0.02)  # wherever the flat top lies


@pytest.mark.parametrize("hz", [15, 50, 440, 3000])
def test_a_sine_at_full_scale_is_not_clipped(hz: float) -> None:
    wave = np.sin(2 * np.pi * hz * SECOND)
    assert values(np.round(wave * 32767) / 32768)["clipped"] == 0


def test_what_a_lossy_coder_left_beyond_full_scale_is_clipping() -> None:
    wave = 0.5 * sound(0) / np.abs(sound(0)).max()
    wave[1000:1100] = 1.2
    assert values(wave)["clipped"] == pytest.approx(100 / RATE_HZ)
    assert values(sound(0))["clipped"] == 0


def test_an_offset_is_there_all_the_time() -> None:
    assert values(sound(0) + 0.05)["offset"] == pytest.approx(0.05, abs=0.005)
    drum = np.exp(-20 * SECOND) * np.sin(2 * np.pi * 40 * SECOND)  # its mean is not zero either
    assert abs(drum.mean()) > 1e-3 and abs(values(drum)["offset"]) < 1e-3


@pytest.mark.parametrize("high_hz", [3000, 4500, 6000])
def test_a_band_ends_where_a_coder_ended_it(high_hz: float) -> None:
    found = values(band_passed(0, high_hz))
    assert found["band_limit_hz"] == pytest.approx(high_hz, abs=250)
    assert found["cliff_db"] > 40


def test_a_whole_band_has_no_cliff() -> None:
    found = values(band_passed(0, RATE_HZ / 2))
    assert found["band_limit_hz"] > 7800 and found["cliff_db"] < 6
    tone = values(0.5 * np.sin(2 * np.pi * 4000 * SECOND) + 0.01 * band_passed(0, RATE_HZ / 2, 1.0))
    assert tone["cliff_db"] < 12  # a line in the spectrum is no edge


def test_digital_silence_has_no_spectrum() -> None:
    found = METER.measure(blocks(np.zeros(5000)))
    assert found.values["peak_db"] == found.values["rms_db"] == FLOOR_DB
    assert found.values["silence"] == 1 and found.values["lead_s"] == found.values["seconds"]
    assert np.isnan([found.values[name] for name in ("centroid_hz", "band_limit_hz", "crest_db")]).all()
    assert (found.spectrum_db == FLOOR_DB).all() and (found.std_db == 0).all()


@pytest.mark.parametrize("n_samples", [1, 2, 100, METER.hop_samples, METER.n_fft, METER.n_fft + 1])
def test_the_shortest_clips_are_measured(n_samples: int) -> None:
    found = METER.measure(blocks(sound(0)[:n_samples]))
    assert np.isfinite(found.spectrum_db).all() and np.isfinite(found.values["rms_db"])


def test_a_key_is_of_the_samples() -> None:
    wave, changed = sound(0, 3.0), sound(0, 3.0)
    changed[20000] += np.float32(2**-15)
    keys = {METER.key(blocks(each)) for each in (wave, changed, wave[:-1])} | {Meter(8000).key(blocks(wave))}
    assert len(keys) == 4 and METER.key(blocks(wave.copy())) in keys


@pytest.mark.parametrize("rate_hz", [100, 400, 1000, 8000, 44100, 192000])
def test_any_rate(rate_hz: int) -> None:
    meter = Meter(rate_hz)
    wave = np.random.default_rng(0).standard_normal(3 * rate_hz) * 0.1
    found = meter.measure(blocks(wave))
    assert len(found.spectrum_db) == meter.n_bands == len(meter.centres_hz) >= 8
    assert np.ptp(found.spectrum_db[2:-2]) < 8  # white noise is flat in bands of any width
