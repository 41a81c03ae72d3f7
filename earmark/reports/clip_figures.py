"""What a clip sounds and looks like: its log-mel spectrogram beside what it was taken for, and an excerpt to hear.

Waves are [samples], mono, full scale at 1; an empty one means that the sound is not at hand.
"""

from __future__ import annotations

import base64
import io
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from earmark.dsp.level import power_to_db
from earmark.dsp.mel import hz_to_mel, mel_filters
from earmark.dsp.spectrogram import column_weights, mel_spectrogram, spans
from earmark.dsp.stft import window
from earmark.reports.drawing import BLUE, INK, MUTED, SMALL_PT, SURFACE, VERMILLION, literal, new_figure, styled
from earmark.reports.report import Guess, WorstClip
from earmark.reports.wording import number, short

_N_MELS = 64
# About 46 ms: 2048 samples at 44.1 kHz.
_WINDOW_S = 0.046
_MOST_FRAMES = 500
_RANGE_DB = 70.0


class Excerpt(NamedTuple):
    """A part of a clip that is small enough for a page."""

    start_s: float
    seconds: float
    wav: bytes
    """A 16-bit mono WAV file."""

    @property
    def uri(self) -> str:
        """The file as text for a ``src``."""
        return f"data:audio/wav;base64,{base64.b64encode(self.wav).decode()}"


def excerpt(wave: NDArray[np.float32], rate_hz: int, *, most_s: float = 3.0, most_hz: int = 16000) -> Excerpt | None:
    """The loudest part of a clip as a small WAV file; None where there is no sound at hand.

    Args:
        wave: [samples]; beyond full scale it is made quieter, not clipped.
        rate_hz: samples in a second.
        most_s: how long the excerpt may be.
        most_hz: its rate, where the clip's own is higher.

    >>> excerpt(np.ones(32000, np.float32), 8000).seconds
    3.0
    """
    if wave.size == 0:
        return None
    n_samples = max(1, round(most_s * rate_hz))
    start = _loudest(wave, n_samples)
    part = wave[start : start + n_samples].astype(np.float32)
    start_s, seconds = start / rate_hz, len(part) / rate_hz
    if rate_hz > most_hz:
        part, rate_hz = np.asarray(soxr.resample(part, rate_hz, most_hz), dtype=np.float32), most_hz
    part = part / max(1.0, float(np.abs(part).max(initial=0.0)))
    file = io.BytesIO()
    soundfile.write(file, part, rate_hz, format="WAV", subtype="PCM_16")
    return Excerpt(start_s, seconds, file.getvalue())


def _loudest(wave: NDArray[np.float32], n_samples: int) -> int:
    """Where the stretch of so many samples with the most energy starts."""
    if len(wave) <= n_samples:
        return 0
    energy = np.concatenate([[0.0], np.cumsum(np.square(wave, dtype=np.float64))])
    return int(np.argmax(energy[n_samples:] - energy[:-n_samples]))


def log_mel_picture(wave: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Levels in dB below the loudest point, [bands, time], in bands of equal width on the mel scale; to look at.

    At most about 500 frames: those of a long clip lie further apart.
    """
    n_fft = max(64, 2 ** round(np.log2(_WINDOW_S * rate_hz)))
    hop_samples = max(n_fft // 4, len(wave) // _MOST_FRAMES)
    weights = column_weights(mel_filters(rate_hz, n_fft, _N_MELS, 0.0, rate_hz / 2), "power")
    power = mel_spectrogram(
        torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))[None],
        torch.tensor([len(wave)]),
        hop_samples,
        window("hann", n_fft),
        weights,
        spans(weights),
    )
    levels: NDArray[np.float32] = power_to_db(power, top_db=_RANGE_DB, reference="peak")[0].numpy()
    return levels


def clip_figure(clip: WorstClip) -> Figure:
    """The clip's spectrogram, and beside it what it was taken for.

    A label that the clip has is a full blue bar with a tick before its name, any other a hollow vermillion one; labels
    that stand below the first few classes say their place.
    """
    height_in = max(1.9, 0.24 * len(clip.top) + 0.5)
    figure = new_figure(height_in, fitted=False)
    bottom, height = 0.25 / height_in, 1 - 0.32 / height_in
    _draw_spectrogram(figure.add_axes((0.06, bottom, 0.46, height)), clip)
    _draw_guesses(figure.add_axes((0.75, bottom, 0.24, height)), clip)
    return literal(figure)


def _draw_spectrogram(axes: Axes, clip: WorstClip) -> None:
    styled(axes, grid=None)
    if clip.wave.size == 0:
        axes.set_axis_off()
        words = "its sound is not at hand"
        axes.text(0.5, 0.5, words, ha="center", va="center", color=MUTED, fontsize=SMALL_PT, transform=axes.transAxes)
        return
    draw_mel(axes, log_mel_picture(clip.wave, clip.rate_hz), len(clip.wave) / clip.rate_hz, clip.rate_hz)


def draw_mel(axes: Axes, levels: NDArray[np.float32], seconds: float, rate_hz: float, loudest_db: float = 0.0) -> None:
    """A spectrogram in mel bands from 0 Hz to half the rate, 70 dB down from a level, over time in seconds.

    Args:
        levels: [bands, time], in dB.
        seconds: how long the clip is.
        rate_hz: of the wave, for the ticks along frequency.
        loudest_db: the level of the brightest colour.
    """
    n_bands = levels.shape[0]
    axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(0.0, seconds, 0.0, float(n_bands)),
        cmap="magma",
        vmin=loudest_db - _RANGE_DB,
        vmax=loudest_db,
        interpolation="none",
    )
    hz = [f for f in (250, 1000, 4000, 16000) if f < 0.95 * rate_hz / 2]
    mels = hz_to_mel(torch.tensor([*hz, rate_hz / 2], dtype=torch.float64))
    axes.set_yticks((n_bands * mels[:-1] / mels[-1]).tolist(), [f"{f / 1000:g} kHz" for f in hz])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    axes.locator_params(axis="x", nbins=6)


def _draw_guesses(axes: Axes, clip: WorstClip) -> None:
    styled(axes, grid=None)
    top = clip.top
    for place, guess in enumerate(top):
        right = guess.label in clip.truth
        colour = BLUE if right else VERMILLION
        axes.barh(
            place,
            guess.probability,
            height=0.62,
            facecolor=colour if right else "none",
            edgecolor=colour,
            linewidth=1.2,
        )
        axes.text(
            guess.probability + 0.02, place, number(guess.probability, 2), va="center", color=MUTED, fontsize=SMALL_PT
        )
    axes.set_yticks(range(len(top)), [_named(guess, guess.label in clip.truth, at) for at, guess in enumerate(top)])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_xlim(0, 1.12)
    axes.set_xticks([])
    axes.set_ylim(max(4, len(top) - 1) + 0.5, -0.5)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_facecolor(SURFACE)


def _named(guess: Guess, right: bool, at: int) -> str:
    mark = "✓ " if right else ""
    place = "" if guess.place == at + 1 else f" (no. {guess.place})"
    return f"{mark}{short(guess.label, 24)}{place}"
