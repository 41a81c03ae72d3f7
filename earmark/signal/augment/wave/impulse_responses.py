"""Impulse responses of real rooms, from a folder of recordings of them.

Mono, at the rate of the clips, each beginning with its direct sound (the largest sample: what lies before it would
delay the clip) and of energy 1; as rows of one tensor, with zeros behind the shorter ones.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from earmark.core.errors import DataError, SettingsError

_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3", ".opus", ".w64", ".caf"})


@lru_cache(maxsize=4)
def impulse_responses(folder: Path, rate_hz: float) -> Float[Tensor, "responses taps"]:
    """Every recording in the folder and below, in the order of their paths; read once for a folder and a rate.

    Raises:
        SettingsError: there is no such folder, or no audio in it.
        DataError: a file cannot be read, or holds only silence.
    """
    if not folder.is_dir():
        raise SettingsError(f"impulse_responses is to be a folder of audio files, but {folder} is none; correct it")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not files:
        raise SettingsError(
            f"impulse_responses is to be a folder of audio files, but {folder} holds none; "
            f"put files there that end in {', '.join(sorted(_SUFFIXES))}"
        )
    return pad_sequence([torch.from_numpy(_response(path, rate_hz)) for path in files], batch_first=True)


def _response(path: Path, rate_hz: float) -> NDArray[np.float32]:
    try:
        samples, file_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(f"the impulse response {path} cannot be read ({error}); take it out", path) from None
    response = samples.mean(axis=1)
    if file_rate_hz != rate_hz:
        response = soxr.resample(response, file_rate_hz, rate_hz)
    size = float(np.linalg.norm(response)) if len(response) else 0.0
    if not (np.isfinite(size) and size > 0):
        raise DataError(f"the impulse response {path} holds only silence or is no sound; take it out", path)
    direct = int(np.abs(response).argmax())
    return np.asarray(response[direct:] / size, dtype=np.float32)
