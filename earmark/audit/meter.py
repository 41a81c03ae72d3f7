"""What is measured of one clip: levels, silence, clipping, spectrum.

Waves are [samples], full scale at ±1; levels are in dB of full scale, where nothing sounds ``FLOOR_DB``. A clip is read
in blocks, so one of any length takes the memory of a block. Frames are about 46 ms long and overlap by half; a *hop*,
half a frame, is the unit of time in which levels are taken.

What a clip without sound cannot have (a centroid, a band limit) is NaN.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from earmark.core.errors import SettingsError
from earmark.dsp.mel import mel_corners, mel_filters
from earmark.dsp.stft import window

Blocks = Callable[[int], Iterator[NDArray[np.float32]]]
"""Gives a clip anew each time, in blocks of so many samples, of which the last one may be shorter."""

FLOOR_DB: Final = -120.0
VERSION: Final = 1
"""Raised whenever the same samples would give other numbers; what was measured before is then measured again."""

_FRAME_S = 0.046
_N_MELS = (64, 48, 32, 24, 16, 8)
_BLOCK_HOPS = 256
# A frame so far below the clip's loudest one, or of full scale, is silence (librosa trims at 60).
_SILENT_BELOW_LOUDEST_DB, _SILENT_BELOW_DB = 60.0, -70.0
# Neighbouring samples within 0.1 % of the peak, against those from 0.1 % to 1 % below it: a sine has half as many, a
# flat top far more. A handful proves nothing.
_FLAT, _NEAR_FLAT, _FLAT_RATIO, _FEWEST_FLAT = 0.999, 0.99, 2.0, 8
# The band ends where the average spectrum falls this far below its peak, or into the noise of 16 bits.
_BAND_DB, _BAND_FLOOR_DB = 80.0, -118.0
# A cliff: levels on both sides, each averaged over so many Hz, with a gap between. Below the lowest nobody filters.
_CLIFF_SIDE_HZ, _CLIFF_GAP_HZ, _CLIFF_LOWEST_HZ = 700.0, 150.0, 2000.0
_SMOOTH_HZ = 100.0


class Measured(NamedTuple):
    """What was measured of one clip."""

    values: dict[str, float]
    """The numbers of `earmark.audit.measures.MEASURES`, by name."""
    spectrum_db: NDArray[np.float32]
    """[bands]: level of the mean power in each mel band."""
    mean_db: NDArray[np.float32]
    """[bands]: mean over time of the level in each band."""
    std_db: NDArray[np.float32]
    """[bands]: its standard deviation over time."""


class Meter:
    """Measures clips at one rate; threads may share it.

    Args:
        rate_hz: samples in a second of every clip.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.hop_samples = max(16, 2 ** round(np.log2(_FRAME_S * rate_hz)) // 2)
        self.n_fft = 2 * self.hop_samples
        self._window = window("hann", self.n_fft).numpy()
        filters = _filters(rate_hz, self.n_fft)
        self._weights = np.ascontiguousarray((filters / filters.sum(axis=1, keepdims=True)).T)
        self.n_bands = filters.shape[0]
        self.centres_hz = mel_corners(self.n_bands, 0.0, rate_hz / 2)[1:-1].numpy()
        """[bands]: the frequency in the middle of each band."""

    def key(self, blocks: Blocks) -> str:
        """A name of what a clip sounds like: equal for equal samples at one rate, and for nothing else."""
        digest = hashlib.blake2b(f"{VERSION} {self.rate_hz}".encode(), digest_size=16)
        for block in blocks(_BLOCK_HOPS * self.hop_samples):
            digest.update(np.ascontiguousarray(block, dtype="<f4").data)
        return digest.hexdigest()

    def measure(self, blocks: Blocks) -> Measured:
        """Measure one clip of at least one sample."""
        n_block = _BLOCK_HOPS * self.hop_samples
        peak = max((float(np.abs(block).max(initial=0.0)) for block in blocks(n_block)), default=0.0)
        sums = _Sums(peak, self.hop_samples)
        n_frames = 0
        power = np.zeros(self.n_fft // 2 + 1)
        bands, squares = np.zeros((2, self.n_bands))
        for levels in self._framed(blocks(n_block), sums):
            spectra = scipy.fft.rfft(levels * self._window, axis=1)
            squared = (spectra.real**2 + spectra.imag**2) * np.float32((2 / self._window.sum()) ** 2)
            in_bands = _db(squared @ self._weights)
            power += squared.sum(axis=0, dtype=np.float64)
            bands += in_bands.sum(axis=0, dtype=np.float64)
            squares += np.square(in_bands, dtype=np.float64).sum(axis=0)
            n_frames += len(levels)
        mean = bands / n_frames
        variance = np.maximum(squares / n_frames - mean**2, 0.0)
        values = sums.values(self.rate_hz) | self._shape(power / n_frames, peak)
        spectrum = _db(power / n_frames @ self._weights)
        return Measured(values, *(part.astype(np.float32) for part in (spectrum, mean, np.sqrt(variance))))

    def _framed(self, blocks: Iterator[NDArray[np.float32]], sums: _Sums) -> Iterator[NDArray[np.float32]]:
        """The whole frames of each block, with the half frame before it.

        What is left at the end is no frame: a cut in the middle of a window sounds at every frequency. Zeros fill the
        only frame of a clip that is shorter than one.
        """
        wave = np.zeros(0, np.float32)
        any_frame = False
        for block in blocks:
            sums.add(block)
            wave = np.concatenate([wave[-self.hop_samples :], block]) if any_frame else block
            if len(wave) >= self.n_fft:
                any_frame = True
                yield np.lib.stride_tricks.sliding_window_view(wave, self.n_fft)[:: self.hop_samples]
        if not any_frame:
            yield np.pad(wave, (0, self.n_fft - len(wave)))[None]

    def _shape(self, power: NDArray[np.float64], peak: float) -> dict[str, float]:
        """What the average spectrum says: where it lies, how flat it is, where it ends and how abruptly."""
        hz = np.arange(len(power)) * (self.rate_hz / self.n_fft)
        power = power.copy()
        power[0:2] = 0.0  # the offset, and what the window smears of it
        total = float(power.sum())
        if peak == 0 or total <= 0:
            return dict.fromkeys(("centroid_hz", "rolloff_hz", "flatness_db", "band_limit_hz", "cliff_db"), np.nan)
        heard = power[2:] + 1e-13
        limit, cliff = self._edge(power, hz)
        return {
            "centroid_hz": float(hz @ power / total),
            "rolloff_hz": float(hz[np.searchsorted(np.cumsum(power), 0.95 * total)]),
            "flatness_db": float(10 * np.log10(np.exp(np.log(heard).mean()) / heard.mean())),
            "band_limit_hz": limit,
            "cliff_db": cliff,
        }

    def _edge(self, power: NDArray[np.float64], hz: NDArray[np.float64]) -> tuple[float, float]:
        """Where the spectrum ends, and the steepest lasting fall of it above 2 kHz, in dB."""
        bin_hz = self.rate_hz / self.n_fft
        width = max(1, round(_SMOOTH_HZ / bin_hz))
        levels = 10 * np.log10(scipy.ndimage.uniform_filter1d(power, width, mode="nearest") + 1e-16)
        above = np.flatnonzero(levels >= max(levels.max() - _BAND_DB, _BAND_FLOOR_DB))
        limit = float(hz[above[-1]]) if len(above) else float("nan")
        side, gap = max(1, round(_CLIFF_SIDE_HZ / bin_hz)), round(_CLIFF_GAP_HZ / bin_hz)
        at = np.arange(round(_CLIFF_LOWEST_HZ / bin_hz), len(levels) - side - gap)
        at = at[at >= side + gap]
        if not len(at):
            return limit, 0.0
        # The median, so that a line in the spectrum is no edge.
        below = scipy.ndimage.median_filter(levels, size=side, mode="nearest")[at - gap - side // 2]
        # What follows must stay down: the loudest of all that lies above, not only of the next few bins.
        loudest_after = np.maximum.accumulate(levels[::-1])[::-1][at + gap]
        return limit, float(max(0.0, (below - loudest_after).max()))


class _Sums:
    """What is added up over the samples of a clip whose peak is known."""

    def __init__(self, peak: float, hop_samples: int) -> None:
        self._peak = peak
        self._hop = hop_samples
        self._n = self._n_over = self._n_flat = self._n_near = 0
        self._square = 0.0
        self._means: list[NDArray[np.float64]] = []
        self._hops: list[NDArray[np.float64]] = []

    def add(self, block: NDArray[np.float32]) -> None:
        """Take in a block; all but the last hold a whole number of hops."""
        size = np.abs(block)
        self._n += len(block)
        self._n_over += int((size > 1.0).sum())
        flat = size >= _FLAT * self._peak
        self._n_near += int((size >= _NEAR_FLAT * self._peak).sum() - flat.sum())
        beside = np.zeros_like(flat)
        beside[1:] = flat[:-1]
        beside[:-1] |= flat[1:]
        self._n_flat += int((flat & beside).sum())
        squares = np.square(block, dtype=np.float64)
        self._square += float(squares.sum())
        starts = np.arange(0, len(block), self._hop)
        lengths = np.diff([*starts, len(block)])
        self._hops.append(np.add.reduceat(squares, starts) / lengths)
        self._means.append(np.add.reduceat(block.astype(np.float64), starts) / lengths)

    def values(self, rate_hz: int) -> dict[str, float]:
        """The numbers."""
        levels = _db(np.concatenate(self._hops))
        heard = levels > max(levels.max() - _SILENT_BELOW_LOUDEST_DB, _SILENT_BELOW_DB)
        rms_db, peak_db = float(_db(self._square / self._n)), float(_db(self._peak**2))
        loud, quiet = np.quantile(levels[heard], (0.9, 0.1)) if heard.any() else (FLOOR_DB, FLOOR_DB)
        seconds, hop_s = self._n / rate_hz, self._hop / rate_hz
        first, last = (int(np.argmax(way)) * hop_s if heard.any() else seconds for way in (heard, heard[::-1]))
        is_flat = self._peak > 0 and self._n_flat > max(_FLAT_RATIO * self._n_near, _FEWEST_FLAT - 1)
        return {
            "seconds": seconds,
            "peak_db": peak_db,
            "rms_db": rms_db,
            "crest_db": peak_db - rms_db if self._square else np.nan,
            "loud_db": float(loud),
            "quiet_db": float(quiet),
            "silence": float(1 - heard.mean()),
            "lead_s": min(first, seconds),
            "tail_s": min(last, seconds),
            "clipped": max(self._n_flat if is_flat else 0, self._n_over) / self._n,
            # The median: a few waves of a low tone have a mean of their own, an offset is there all the time.
            "offset": float(np.median(np.concatenate(self._means))),
        }


def _filters(rate_hz: int, n_fft: int) -> NDArray[np.float32]:
    """As many mel bands as an FFT of this length can tell apart, up to 64."""
    for n_mels in _N_MELS:
        with contextlib.suppress(SettingsError):
            return mel_filters(rate_hz, n_fft, n_mels, 0.0, rate_hz / 2).numpy()
    raise SettingsError(f"audio at {rate_hz} Hz has too few frequencies to tell apart; pack it at a higher rate")


def _db(power: NDArray[np.floating] | float) -> NDArray[np.float64]:
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))
    return levels
