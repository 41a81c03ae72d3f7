"""How fast waves are changed: a batch with two threads against a peer that does clip by clip in two processes.

Both get the same clips of 10 s at 44.1 kHz in memory, every clip is changed, and both use the same two cores. The peer
is audiomentations or librosa where they have a counterpart, else scipy, soxr or a few lines of numpy; what it does is
like what earmark does, not equal to it. Effects that only rearrange or scale samples are as fast as
memory is and their ratios vary from run to run; a peer may return a view and copy nothing. The last row is a chain of
reverb, pitch, overdrive and speed. Without
audiomentations (whose last release wants an older soxr: ``pip install --no-deps audiomentations numpy-minmax numpy-rms
python-stretch``) its rows are left out.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch

from bench import effect_peers as peers
from bench.processes import Build, against, contest
from bench.row import Row
from earmark.core.batch import Batch
from earmark.core.settings import read
from earmark.signal.step import Augment


class Contest(NamedTuple):
    """One effect and its peer."""

    kind: str
    peer: str
    build: Build
    arguments: tuple[Any, ...] = ()
    settings: dict[str, Any] = {}


def _listed(kind: str, name: str, **settings: Any) -> Contest:
    """An effect whose peer is the transform of this name of audiomentations."""
    return Contest(kind, f"audiomentations {name}", peers.audiomentation, (name, settings))


CONTESTS = (
    _listed("gain", "Gain", min_gain_db=-6.0, max_gain_db=6.0),
    _listed("polarity", "PolarityInversion"),
    _listed("reverse", "Reverse"),
    _listed("shift", "Shift"),
    _listed("cut_out", "TimeMask", min_band_part=0.25, max_band_part=0.25),
    _listed("noise", "AddGaussianSNR", min_snr_db=10.0, max_snr_db=40.0),
    _listed("noise", "AddColorNoise", min_snr_db=10.0, max_snr_db=40.0)._replace(settings={"colour": "pink"}),
    _listed("band_filter", "BandPassFilter"),
    _listed("equaliser", "SevenBandParametricEQ"),
    _listed("codec", "LowPassFilter", min_cutoff_freq=4000, max_cutoff_freq=16000, min_rolloff=24, max_rolloff=24),
    _listed("tempo", "TimeStretch", min_rate=0.9, max_rate=1.1, leave_length_unchanged=False),
    _listed("pitch", "PitchShift", min_semitones=-3.0, max_semitones=3.0),
    Contest("tempo", "librosa", peers.librosa_tempo),
    Contest("pitch", "librosa", peers.librosa_pitch),
    Contest("speed", "soxr", peers.soxr_speed),
    Contest("overdrive", "numpy", peers.numpy_overdrive),
    Contest("reverb", "scipy, 1 s", peers.scipy_reverb),
    Contest("chunk_shuffle", "numpy", peers.numpy_chunk_shuffle),
    Contest("slice", "numpy", peers.numpy_slice),
    Contest("segment", "numpy", peers.numpy_segment),
    Contest("mixup", "numpy", peers.numpy_mixup),
    Contest("effects", "scipy, librosa, numpy, soxr", peers.chain),
)


def measure(quick: bool = False) -> list[Row]:
    """One row an effect and peer; those of peers that are not installed are left out."""
    n_clips, n_turns = (2, 1) if quick else (16, 3)
    rows = []
    with contest() as pool:
        for each in _possible()[:: 5 if quick else 1]:
            kind = Augment.named(each.kind)
            step = read(kind, {"p": 1.0, **each.settings})
            names = (" ".join([each.kind, *map(str, each.settings.values())]), each.peer)
            change = partial(_changed, step, torch.Generator().manual_seed(0))
            rows.append(against(pool, names, change, each.build, each.arguments, n_clips=n_clips, n_turns=n_turns))
    return rows


def _possible() -> list[Contest]:
    there = find_spec("audiomentations") is not None
    return [each for each in CONTESTS if there or each.build is not peers.audiomentation]


def _changed(step: Augment, chance: torch.Generator, batch: Batch) -> Batch:
    return step.apply(batch, step.draw(batch, chance))
