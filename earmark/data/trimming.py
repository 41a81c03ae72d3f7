"""Where the quiet at the two ends of a clip stops, found while the clip streams by.

The rule is that of ``librosa.effects.trim``: frames of 2048 samples, centred on every 512th sample with zeros beyond
the ends, are quiet when their mean power lies ``trim_db`` or more under that of the clip's loudest frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOP_SAMPLES = 512
_HOPS_A_FRAME = 4
_FLOOR = 1e-10  # librosa's: mean powers below -100 dB count as -100 dB


class Ends:
    """Collects the power of a clip, block by block, and then says where its sound begins and ends.

    >>> ends = Ends()
    >>> for block in (np.zeros(44100), np.ones(44100), np.zeros(44100)):
    ...     ends.add(block.astype(np.float32))
    >>> ends.found(60.0)
    (43520, 89600)
    """

    def __init__(self) -> None:
        self._sums: list[NDArray[np.float64]] = []
        self._rest: NDArray[np.float32] = np.zeros(0, np.float32)
        self._n_samples = 0

    def add(self, block: NDArray[np.float32]) -> None:
        """Take in the next block, [samples]."""
        self._n_samples += len(block)
        joined = np.concatenate([self._rest, block])
        whole = len(joined) // HOP_SAMPLES * HOP_SAMPLES
        self._sums.append(_hop_sums(joined[:whole]))
        self._rest = joined[whole:]

    def found(self, trim_db: float) -> tuple[int, int]:
        """The first sample to keep and the one after the last; a clip without any sound is kept whole.

        Args:
            trim_db: how far under the loudest frame a frame counts as quiet, > 0.
        """
        tail = np.pad(self._rest, (0, -len(self._rest) % HOP_SAMPLES))
        sums = np.concatenate([*self._sums, _hop_sums(tail)])
        n_frames = 1 + self._n_samples // HOP_SAMPLES
        padded = np.pad(sums, (2, n_frames + 2 - len(sums)))
        power = np.lib.stride_tricks.sliding_window_view(padded, _HOPS_A_FRAME)[:n_frames].mean(axis=1) / HOP_SAMPLES
        level_db = 10 * np.log10(np.maximum(power, _FLOOR) / max(float(power.max()), _FLOOR))
        loud = np.flatnonzero(level_db > -trim_db)
        return int(loud[0]) * HOP_SAMPLES, min(self._n_samples, int(loud[-1] + 1) * HOP_SAMPLES)


def _hop_sums(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    hops = samples.reshape(-1, HOP_SAMPLES).astype(np.float64)
    sums: NDArray[np.float64] = np.square(hops).sum(axis=1)
    return sums
