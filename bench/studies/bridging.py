"""Whether noisy clips teach more, and are guessed better, where curated ones are made to sound like them.

Noisy clips often come from elsewhere: other microphones, rooms and codecs. A net can learn either kind by itself, and
then what one teaches does not help with the other. The truth about the noisy labels stands here in place of their
mistakes, so that only the way they sound is left to be told.
"""

from __future__ import annotations

from bench.studies.arm import TRUTH, Arm, Study
from bench.studies.hearsay import ALONE, AS_GIVEN, LONG, LONG_S, STREAM

_OVER = "{kind: superpose, p: 0.5, peak_ratio: 2.5}"
_MEL = "{kind: mel, n_fft: 2560, hop_samples: 694, n_mels: 64, fmin_hz: 20, fmax_hz: 22050}"
_HEARD = (
    "{kind: spectrogram_noise, p: 0.3, low_db: 5, high_db: 40}",
    "{kind: decibel, top_db: 80}",
    "{kind: filter_augment, p: 0.5, low_db: -8, high_db: 8}",
    "{kind: random_resized_crop, p: 0.5, low_area: 0.6, low_aspect: 0.7, high_aspect: 1.4}",
    "{kind: frequency_warp, p: 0.5, mean_change: 0.1, mean_cutoff: 1.0}",
    "{kind: normalise, over: clip, eps: 3}",
)
_MASK = "{kind: frequency_mask, p: 0.5, widest_bands: 12}"
_GUESTS = f"streams.noisy={STREAM}"

_RECORDED = (
    "{kind: noise, p: 0.5, low_db: 0, high_db: 30, colour: [0, 2]}",
    "{kind: codec, p: 0.5, low_hz: 4000, high_hz: 16000, steps: none, slope_db: 40}",
)
"""Noise of the room and what a coder leaves of the band."""
_STYLE = "{kind: freq_mixstyle, p: 0.5, partner: {stream: noisy}}"
"""Each band's level and movement as in some noisy clip."""
_ACROSS = "{kind: superpose, p: 0.5, peak_ratio: 2.5, partner: {stream: noisy}}"


def _view(
    over: str = _OVER, before: tuple[str, ...] = (), after: tuple[str, ...] = (), heard: tuple[str, ...] = _HEARD
) -> str:
    """The view of `small`, with more before its bands or after its features, or with other partners."""
    return f"view=[{', '.join((over, *before, _MEL, *heard, *after, _MASK))}]"


_LEVELLED = (*_HEARD[:-1], "{kind: normalise, over: clip, per_band: mean, eps: 3}")
"""Bands less their own mean: the clip's filter falls out, and the part of the sound that never changes with it."""

_WAYS = {
    "levelled": _view(heard=_LEVELLED),
    "as recorded elsewhere": _view(before=_RECORDED),
    "in the style of noisy clips": _view(after=(_STYLE,)),
}


def _alone(name: str, view: str) -> Arm:
    guests = (_GUESTS,) if "stream: noisy" in view else ()
    return Arm(f"curated only, {name}", "small", (*guests, view))


def _with_noisy(name: str, view: str) -> Arm:
    return Arm(f"labels, {TRUTH}, {name}", "small", (*AS_GIVEN.changes, view), ALONE, rule=TRUTH)


ARMS = (
    ALONE,
    *(_alone(*way) for way in _WAYS.items()),
    Arm(f"labels, {TRUTH}", "small", AS_GIVEN.changes, ALONE, rule=TRUTH),
    *(_with_noisy(*way) for way in _WAYS.items()),
    _with_noisy("mixed across", _view(over=_ACROSS)),
)

STUDIES = {"bridging": Study(ARMS, ("1", "3"), folder=LONG, budget_s=LONG_S)}
