"""Clips that sound the same: copies to the sample, and copies with another gain, other ends, another coding.

*Exact* copies have equal samples. *Near* copies are found in two steps. First each clip gets the neighbours of the most
similar average spectra, without their level and the top of the band. Then their waves, at 16 kHz
and with the lows held back (so that a common hum is no likeness), are laid over each other at every shift: the
correlation at the best one is 1 where one is the other times a gain, and its square is the share of the energy that is
the same sound. Silent clips have no copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, islice, product

import numpy as np
import polars as pl
import scipy.fft
import soxr
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from earmark.audit.linked import clusters_of
from earmark.audit.settings import AuditSettings
from earmark.audit.survey import Survey, Track
from earmark.data.prefetch import prefetch

WHERE = ("train and test", "across folds", "elsewhere")
"""Where the two clips of a pair lie, the worst first.

``across folds``: a model that is judged by one of them, in its held-out fold, has learnt from the other.
"""

_COMPARED_HZ = 16000
# Above, lossy coders differ.
_HIGHEST_BAND_HZ, _HIGHEST_BAND = 12000.0, 0.8
_LEAST_DB = -70.0
_PREEMPHASIS = 0.97
# Of a sound that is there more often, pairs of so many clips are listed.
_MOST_OF_ONE_SOUND = 10
_WAVES_HELD = 64

PAIR_COLUMNS = {
    "where": pl.String,
    "kind": pl.String,
    "a": pl.String,
    "b": pl.String,
    "correlation": pl.Float64,
    "spectrum_db": pl.Float64,
    "set_a": pl.String,
    "set_b": pl.String,
    "fold_a": pl.Int64,
    "fold_b": pl.Int64,
    "labels_a": pl.String,
    "labels_b": pl.String,
    "same_labels": pl.Boolean,
    "cluster": pl.Int64,
}


@dataclass(frozen=True, eq=False)
class Duplicates:
    """What sounds the same.

    Args:
        pairs: a row for two clips, those across train and test first; the columns are `PAIR_COLUMNS`. ``cluster`` is
            equal for all clips that are linked by pairs.
        clusters: [clips], the cluster of every clip of the survey; -1 for a clip that nothing sounds like.
        n_compared: pairs whose waves were compared.
    """

    pairs: pl.DataFrame
    clusters: NDArray[np.int64]
    n_compared: int

    def of(self, where: str, kind: str) -> pl.DataFrame:
        """The pairs of one place and kind."""
        return self.pairs.filter((pl.col("where") == where) & (pl.col("kind") == kind))


def find_duplicates(
    survey: Survey,
    labels: dict[str, tuple[str, ...]],
    settings: AuditSettings,
    *,
    workers: int = 1,
    track: Track = lambda numbers, total, what: numbers,
) -> Duplicates:
    """Find the clips that sound the same.

    Args:
        labels: of each clip, to see whether copies are labelled alike.
        track: shows progress; counts pairs of waves that are compared.
    """
    heard = np.flatnonzero(survey.table["peak_db"].to_numpy() >= settings.silent_db)
    keys = survey.table["key"].to_list()
    rows_of: dict[str, list[int]] = {}
    for row in heard.tolist():
        rows_of.setdefault(keys[row], []).append(row)
    found: list[tuple[int, int, str, float, float]] = []
    for rows in rows_of.values():
        found += [(a, b, "exact", 1.0, 0.0) for a, b in combinations(rows[:_MOST_OF_ONE_SOUND], 2)]
        found += [(rows[0], b, "exact", 1.0, 0.0) for b in rows[_MOST_OF_ONE_SOUND:]]
    candidates = list(_candidates(survey, np.array([rows[0] for rows in rows_of.values()], np.int64), settings))
    compare = _Comparison(survey, settings.near_clip_s)
    numbers = track(range(len(candidates)), len(candidates), "compare")
    correlations = prefetch(lambda n: compare(*candidates[n][:2]), numbers, ahead=4 * workers, workers=workers)
    for (a, b, distance), correlation in zip(candidates, correlations, strict=True):
        if correlation >= settings.near_correlation:
            copies = product(rows_of[keys[a]], rows_of[keys[b]])
            found += [(*pair, "near", correlation, distance) for pair in islice(copies, _MOST_OF_ONE_SOUND)]
    clusters = clusters_of(len(survey), [(a, b) for a, b, *_ in found])
    return Duplicates(_table(survey, found, clusters, labels), clusters, len(candidates))


def _candidates(survey: Survey, rows: NDArray[np.int64], settings: AuditSettings) -> Iterator[tuple[int, int, float]]:
    """Pairs of rows whose average spectra are close, each once, with the distance in dB."""
    if len(rows) < 2:
        return
    bands = survey.centres_hz < min(_HIGHEST_BAND_HZ, _HIGHEST_BAND * survey.clips.store.rate_hz / 2)
    spectra = np.maximum(survey.coloured_db()[rows][:, bands], _LEAST_DB) / np.sqrt(bands.sum())
    n_neighbours = min(settings.near_neighbours + 1, len(rows))  # each clip is a neighbour of its own
    search = NearestNeighbors(n_neighbors=n_neighbours, algorithm="brute").fit(spectra)
    distances, neighbours = search.kneighbors(spectra)
    pairs: dict[tuple[int, int], float] = {}
    for one, (near, far) in enumerate(zip(distances, neighbours, strict=True)):
        for distance, other in zip(near.tolist(), far.tolist(), strict=True):
            if other != one and distance <= settings.near_spectrum_db:
                pairs[min(one, other), max(one, other)] = distance
    for (one, other), distance in sorted(pairs.items()):
        yield int(rows[one]), int(rows[other]), distance


class _Comparison:
    """The correlation of two clips at their best shift; waves that were just used are kept."""

    def __init__(self, survey: Survey, most_s: float) -> None:
        self._clips = survey.clips
        self._most_samples = round(most_s * survey.clips.store.rate_hz)
        self._wave = lru_cache(_WAVES_HELD)(self._read)

    def __call__(self, a: int, b: int) -> float:
        one, other = self._wave(a), self._wave(b)
        if not (one.any() and other.any()):
            return 0.0
        n = scipy.fft.next_fast_len(len(one) + len(other) - 1, real=True)
        spectrum = scipy.fft.rfft(one, n) * np.conj(scipy.fft.rfft(other, n))
        return min(1.0, float(scipy.fft.irfft(spectrum, n).max()))

    def _read(self, row: int) -> NDArray[np.float32]:
        """The beginning of a clip, of energy 1; nothing where it is all zero."""
        n = min(int(self._clips.n_samples[row]), self._most_samples)
        wave = self._clips.store.read(self._clips.files[row], int(self._clips.starts[row]), n)
        rate_hz = self._clips.store.rate_hz
        if rate_hz > _COMPARED_HZ:
            wave = np.asarray(soxr.resample(wave, rate_hz, _COMPARED_HZ, quality="LQ"), np.float32)
        held_back = wave.copy()
        held_back[1:] -= np.float32(_PREEMPHASIS) * wave[:-1]
        norm = float(np.sqrt(np.square(held_back, dtype=np.float64).sum()))
        return np.asarray(held_back / norm, np.float32) if norm > 0 else np.zeros(1, np.float32)


def _table(
    survey: Survey,
    found: list[tuple[int, int, str, float, float]],
    clusters: NDArray[np.int64],
    labels: dict[str, tuple[str, ...]],
) -> pl.DataFrame:
    names, sets, folds = (survey.table[column].to_list() for column in ("id", "set", "fold"))
    rows = []
    for a, b, kind, correlation, distance in found:
        one, other = labels.get(names[a], ()), labels.get(names[b], ())
        rows.append(
            {
                "where": _where(sets[a], sets[b], folds[a], folds[b]),
                "kind": kind,
                "a": names[a],
                "b": names[b],
                "correlation": correlation,
                "spectrum_db": distance,
                "set_a": sets[a],
                "set_b": sets[b],
                "fold_a": folds[a],
                "fold_b": folds[b],
                "labels_a": ",".join(one),
                "labels_b": ",".join(other),
                "same_labels": set(one) == set(other),
                "cluster": int(clusters[a]),
            }
        )
    table = pl.DataFrame(rows, schema=PAIR_COLUMNS)
    worst = pl.col("where").replace_strict({name: place for place, name in enumerate(WHERE)}, return_dtype=pl.Int64)
    return table.sort(worst, "kind", -pl.col("correlation"), "a", "b")


def _where(set_a: str, set_b: str, fold_a: int | None, fold_b: int | None) -> str:
    if (set_a == "test") != (set_b == "test"):
        return WHERE[0]
    judged = [fold for name, fold in ((set_a, fold_a), (set_b, fold_b)) if name == "curated" and fold is not None]
    return WHERE[1] if set_a != "test" and judged and fold_a != fold_b else WHERE[2]
