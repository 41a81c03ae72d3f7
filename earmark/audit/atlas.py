"""A map of the clips: neighbours sound alike; and how often a clip's neighbours have its label.

The map is t-SNE (van der Maaten and Hinton, 2008) of statistics of log-mel bands, or of a network's embeddings. What
can be counted is counted before the flattening too: the share of clips whose five nearest neighbours name their class,
with a fifth of the clips judged by the others (as ex4sperans, 2019, did with embeddings), each fifth in turn. Only
clips with a single label take part in that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import NearestNeighbors

from earmark.audit.settings import AuditSettings
from earmark.audit.survey import Survey

N_NEIGHBOURS, N_SPLITS = 5, 5
_N_COMPONENTS = 32
_PERPLEXITY = 30.0
_FEWEST_CLIPS = 10


class Agreement(NamedTuple):
    """How often neighbours name a clip's class."""

    learnt: str
    """The set of the neighbours."""
    judged: str
    """The set of the clips; the same one is split in fifths, and no fifth has a duplicate or group-mate in another."""
    n_clips: int
    accuracy: float
    on_map: float
    """The same with neighbours on the map; NaN where the map has too few of them."""
    commonest: float
    """What naming the commonest class would score."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """The clips on a plane.

    Args:
        rows: which rows of the survey are on the map.
        places: [rows, 2]; None where there are too few clips for a map.
        agreements: how well neighbours agree, one entry for two sets.
        made_of: what the map was made of, in words.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.float32] | None
    agreements: tuple[Agreement, ...]
    made_of: str


def chart(
    survey: Survey,
    labels: Sequence[str | None],
    groups: NDArray[np.int64],
    settings: AuditSettings,
    *,
    embeddings: NDArray[np.floating] | None = None,
) -> Atlas:
    """Lay the clips out.

    Args:
        labels: of each clip its label, None where it has none or several.
        groups: [clips], equal for what must not be split.
        embeddings: [clips, dimensions]; without, statistics of the spectrum serve. Rows of NaN are left out.
    """
    values = survey.texture() if embeddings is None else np.asarray(embeddings, np.float32)
    heard = np.flatnonzero(np.isfinite(values).all(axis=1) & (survey.table["peak_db"].to_numpy() >= settings.silent_db))
    if len(heard) > settings.map_clips:
        chance = np.random.default_rng(settings.seed)
        heard = np.sort(chance.choice(heard, settings.map_clips, replace=False))
    points = _standardised(values[heard])
    places = _flattened(points, settings.seed) if len(heard) >= _FEWEST_CLIPS else None
    made_of = (
        "statistics of log-mel bands" if embeddings is None else "embeddings of the run, which has learnt from some"
    )
    found = _agreements(survey, [labels[row] for row in heard.tolist()], heard, points, places, groups[heard])
    return Atlas(heard, places, tuple(found), made_of)


def _standardised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Principal components of the columns at equal scale."""
    if len(values) < 2:
        return values
    spread = values.std(axis=0)
    equal = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    n_components = min(_N_COMPONENTS, *equal.shape)
    return np.asarray(PCA(n_components, svd_solver="full").fit_transform(equal), np.float32)


def _flattened(points: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
    flat = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(points)
    return np.asarray(flat, np.float32)


def _agreements(
    survey: Survey,
    labels: Sequence[str | None],
    rows: NDArray[np.int64],
    points: NDArray[np.float32],
    places: NDArray[np.float32] | None,
    groups: NDArray[np.int64],
) -> list[Agreement]:
    named = np.array([label is not None for label in labels], bool)
    names = np.array([label or "" for label in labels])
    sets = survey.table["set"].to_numpy()[rows]
    members = {name: np.flatnonzero(named & (sets == name)) for name in survey.sets}
    members = {name: inside for name, inside in members.items() if len(inside) >= _FEWEST_CLIPS}
    found = []
    for learnt, theirs in members.items():
        for judged, ours in members.items():
            if learnt not in ("test", judged) or learnt == judged:
                spaces = (points, places if places is not None else points)
                accuracy, on_map = (_accuracy(space, names, theirs, ours, groups) for space in spaces)
                _, counts = np.unique(names[ours], return_counts=True)
                on_map = on_map if places is not None else float("nan")
                found.append(Agreement(learnt, judged, len(ours), accuracy, on_map, float(counts.max() / len(ours))))
    return found


def _accuracy(
    space: NDArray[np.float32],
    names: NDArray[np.str_],
    theirs: NDArray[np.int64],
    ours: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> float:
    if theirs is not ours:
        return float(_right(space, names, theirs, ours).mean())
    n_splits = min(N_SPLITS, len(np.unique(groups[ours])))
    if n_splits < 2:
        return float("nan")
    splits = GroupKFold(n_splits).split(ours, groups=groups[ours])
    return float(np.concatenate([_right(space, names, ours[learnt], ours[judged]) for learnt, judged in splits]).mean())


def _right(
    space: NDArray[np.float32], names: NDArray[np.str_], learnt: NDArray[np.int64], judged: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether most of the nearest neighbours name the class of each clip; of equal numbers the nearest decides."""
    classes, numbers = np.unique(names, return_inverse=True)
    n = min(N_NEIGHBOURS, len(learnt))
    search = NearestNeighbors(n_neighbors=n, algorithm="brute").fit(space[learnt])
    named = numbers[learnt[search.kneighbors(space[judged], return_distance=False)]]
    votes = np.zeros((len(judged), len(classes)))
    for rank in range(n):
        votes[np.arange(len(judged)), named[:, rank]] += 1 + 0.5 ** (rank + 2)
    return np.asarray(votes.argmax(axis=1) == numbers[judged])
