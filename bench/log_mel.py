"""How fast log-mel features are made: earmark with two threads against librosa in two processes, on the same two cores.

Both get the same clips of 10 s at 44.1 kHz in memory and make decibels of mel bands out of them, with and without
normalising each clip. Starting processes, imports and first calls do not count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.processes import N_CORES, RATE_HZ, Wave, against, contest
from bench.row import Row
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.signal.frontends.log_mel import LogMel

RECIPES: dict[str, dict[str, Any]] = {
    "128 bands, FFT 2560, hop 347": {"n_fft": 2560, "hop_samples": 347, "n_mels": 128},
    "64 bands, FFT 1024, hop 512": {"n_fft": 1024, "hop_samples": 512, "n_mels": 64},
}


def measure(quick: bool = False) -> list[Row]:
    """One row a recipe and normalisation.

    Args:
        quick: fewer clips and fewer turns, to see that it runs.
    """
    n_clips, n_turns = (2, 1) if quick else (16, 5)
    rows = []
    with contest() as pool:
        for name, mel in RECIPES.items():
            for over in ("none", "clip"):
                what = name + (", clip normalisation" if over == "clip" else "")
                names = (what, f"librosa in {N_CORES} processes")
                module = read(LogMel, {"mel": mel, "normalise": {"over": over}}).build(Spec("wave", RATE_HZ))
                rows.append(against(pool, names, module, librosa_peer, (mel, over), n_clips=n_clips, n_turns=n_turns))
    return rows


def librosa_peer(mel: dict[str, Any], over: str) -> Callable[[Wave], object]:
    """The same features of one clip by librosa."""
    import librosa

    def one(wave: Wave) -> Wave:
        power = librosa.feature.melspectrogram(
            y=wave,
            sr=RATE_HZ,
            n_fft=mel["n_fft"],
            hop_length=mel["hop_samples"],
            n_mels=mel["n_mels"],
            fmin=20.0,
            pad_mode="constant",
        )
        level: Wave = librosa.power_to_db(power, top_db=80.0)
        return level if over == "none" else (level - level.mean()) / (level.std() + 1e-7)

    return one
