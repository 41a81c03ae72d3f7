"""How fast front ends are: a batch with two threads against librosa clip by clip in two processes, on the same cores.

Both get the same clips of 10 s at 44.1 kHz in memory; what is compared makes the same numbers, up to rounding. Those
that start from spectrograms get one of 128 bands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bench.processes import N_CORES, RATE_HZ, Wave, against, clips, contest
from bench.row import Row
from earmark.core.batch import Batch
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.signal.frontends.mel import Mel
from earmark.signal.step import FrontEnd

_N_FFT, _HOP = 2560, 347


class Contest(NamedTuple):
    """A front end and what librosa does instead."""

    what: str
    kind: str
    settings: dict[str, Any]
    peer: str
    """The name of a function of this module that gives the peer."""
    on: str = "wave"
    """What it starts from: wave, or power or features in mel bands."""


CONTESTS = (
    Contest("STFT, window 256, hop 128", "stft", {}, "stft_peer"),
    Contest("chroma, FFT 2048, hop 512", "chroma", {}, "chroma_peer"),
    Contest("constant-Q, 84 bins, hop 512", "cqt", {}, "cqt_peer"),
    Contest("instantaneous frequency, FFT 2560", "phase", {"n_mels": None}, "phase_peer"),
    Contest("PCEN of 128 bands", "pcen", {}, "pcen_peer", "power"),
    Contest("20 MFCC of 128 bands", "mfcc", {}, "mfcc_peer", "features"),
    Contest("first and second deltas of 128 bands", "deltas", {}, "deltas_peer", "features"),
)


def measure(quick: bool = False) -> list[Row]:
    """One row a front end."""
    n_clips, n_turns = (2, 1) if quick else (16, 3)
    rows = []
    with contest() as pool:
        for each in CONTESTS[:: 3 if quick else 1]:
            names = (each.what, f"librosa in {N_CORES} processes")
            build = globals()[each.peer]
            rows.append(against(pool, names, _ours(each), build, n_clips=n_clips, n_turns=n_turns))
    return rows


def _ours(each: Contest) -> Callable[[Batch], object]:
    """The front end; the bands that it starts from are made once and do not count."""
    spec, step = Spec("wave", RATE_HZ), read(FrontEnd.named(each.kind), each.settings)
    if each.on == "wave":
        module: Callable[[Batch], object] = step.build(spec)
        return module
    mel = Mel(n_fft=_N_FFT, hop_samples=_HOP)
    bands = Spec("power" if each.on == "power" else "features", RATE_HZ / _HOP, 1, mel.n_mels)
    module, before, made = step.build(bands), mel.build(spec), dict[int, Batch]()

    def ours(batch: Batch) -> object:
        if len(batch) not in made:
            made[len(batch)] = before(batch).changed(domain=bands.domain)
        return module(made[len(batch)])

    return ours


def _bands() -> Wave:
    """Mel bands of a clip, for peers that start from them."""
    import librosa

    bands: Wave = librosa.feature.melspectrogram(y=clips(1)[0], sr=RATE_HZ, n_fft=_N_FFT, hop_length=_HOP, n_mels=128)
    return bands


def stft_peer() -> Callable[[Wave], object]:
    """Magnitudes of the short-time Fourier transform."""
    import librosa

    return lambda wave: abs(librosa.stft(wave, n_fft=256, hop_length=128, pad_mode="constant"))


def chroma_peer() -> Callable[[Wave], object]:
    """Chroma of the short-time Fourier transform."""
    import librosa

    return lambda wave: librosa.feature.chroma_stft(y=wave, sr=RATE_HZ, tuning=0, pad_mode="constant")


def cqt_peer() -> Callable[[Wave], object]:
    """Magnitudes of the constant-Q transform."""
    import librosa

    return lambda wave: abs(librosa.cqt(wave, sr=RATE_HZ, tuning=0, pad_mode="constant"))


def phase_peer() -> Callable[[Wave], object]:
    """Reassigned frequencies."""
    import librosa

    return lambda wave: librosa.reassigned_spectrogram(
        wave, sr=RATE_HZ, n_fft=_N_FFT, hop_length=_HOP, reassign_times=False, pad_mode="constant"
    )


def pcen_peer() -> Callable[[Wave], object]:
    """Per-channel energy normalisation."""
    import librosa

    power = _bands()
    return lambda wave: librosa.pcen(power * 2**31, sr=RATE_HZ, hop_length=_HOP)


def mfcc_peer() -> Callable[[Wave], object]:
    """Cepstral coefficients."""
    import librosa

    level = _bands()
    return lambda wave: librosa.feature.mfcc(S=level, n_mfcc=20)


def deltas_peer() -> Callable[[Wave], object]:
    """Both derivatives."""
    import librosa

    level = _bands()
    return lambda wave: [librosa.feature.delta(level, order=order, mode="nearest") for order in (1, 2)]
