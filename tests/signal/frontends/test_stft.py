"""The short-time spectrum as a front end, against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.frontends.log import Log
from earmark.signal.frontends.stft import STFT
from earmark.signal.step import Spec
from earmark.signal.view import check
from tests.signal.frontends.sounds import RECORDINGS, recording, seen, tone


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal")
@pytest.mark.parametrize("spectrum", ["magnitude", "power"])
@pytest.mark.parametrize("settings", [{}, {"n_fft": 999, "win_samples": 800, "hop_samples": 320, "window": "blackman"}])
@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_give_what_librosa_gives(shared_data, name, settings, spectrum):
    """Magnitudes are within 1e-4 relative, or within 120 dB, which is what float32 holds below the loudest value."""
    wave, rate = recording(shared_data, name)
    step = STFT(spectrum=spectrum, **settings)
    theirs = np.abs(
        librosa.stft(
            wave,
            n_fft=step.n_fft,
            hop_length=step.hop_samples,
            win_length=step.win_samples,
            window=step.window,
            pad_mode="constant",
        )
    )
    ours = seen(step, wave, rate) ** (0.5 if spectrum == "power" else 1.0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6 * theirs.max())


def test_a_tone_is_in_its_row():
    rows = seen(STFT(), tone(30.0 * 44100 / 256, 44100, 8000), 44100)
    assert set(rows[:, 2:-2].argmax(axis=0)) == {30}
    np.testing.assert_allclose(rows[30, 2:-2], 0.5 * 128 / 2, rtol=1e-3)  # Level by half the sum of the window.


def test_with_a_logarithm_it_is_the_small_window_front_end():
    steps = (STFT(), Log())
    assert check(steps, Spec("wave", 44100.0)) == Spec("features", 44100 / 128, 1, 129)
    assert steps[1].offset == 1e-4
    assert STFT(spectrum="power").after(Spec("wave", 16000.0)) == Spec("power", 125.0, 1, 129)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hop_samples": 300}, "an FFT of 256 samples is shorter than the hop of 300"),
        ({"win_samples": 100}, "a window of 100 samples is shorter than the hop of 128"),
        ({"win_samples": 512}, "does not fit an FFT of 256; make n_fft larger"),
        ({"spectrum": "phase"}, "should be 'power' or 'magnitude', got 'phase'"),
    ],
)
def test_settings_without_meaning_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        read(STFT, settings)
