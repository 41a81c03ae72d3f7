"""Can a simple classifier tell two sets of clips apart by how they sound, whatever they are labelled?

If it can, a model trained on one set meets something else in the other, and the most telling features say what. The
check is adversarial validation (ex4sperans, 2019, ran it on spectrograms of training and test clips): gradient boosted
trees learn from statistics of clips, every clip is scored by trees that saw neither it nor its group nor a duplicate of
it, and the area under the ROC curve says how well they do: 0.5 is guessing, 1 is certainty. Groups of features are also
tried alone.

Sets that hold other classes, or the same in other shares, can be told apart by that too. Intervals speak of other clips
judged by the same trees; below a hundred clips a set, other trees add about as much again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold

from earmark.audit.contrasts import cliffs_delta
from earmark.audit.measures import MEASURES
from earmark.audit.settings import AuditSettings
from earmark.audit.survey import Survey, Track
from earmark.metrics import Interval, bootstrap_interval

N_SPLITS = 5
FEWEST_CLIPS = 30
"""Sets with fewer clips (or groups of them) are not compared."""
ALL = "all"

_TREES = {"max_iter": 60, "learning_rate": 0.15, "max_leaf_nodes": 12, "min_samples_leaf": 10, "early_stopping": False}
_N_TELLING = 12


class Telling(NamedTuple):
    """A feature that tells two sets apart by itself."""

    feature: str
    delta: float
    """Cliff's delta of the second set over the first."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """How well two sets can be told apart.

    Args:
        a, b: the sets.
        auc: area under the ROC curve for each group of features, ``all`` of them first.
        telling: single features, the most telling first.
        scores: ``id``, ``set``, ``score``: the chance that a clip is of set b, for the classifier that uses all
            features; sorted by it. The first rows sound most like a, the last ones like b.
    """

    a: str
    b: str
    auc: dict[str, Interval]
    telling: tuple[Telling, ...]
    scores: pl.DataFrame


def tell_apart(
    survey: Survey,
    groups: NDArray[np.int64],
    settings: AuditSettings,
    *,
    embeddings: NDArray[np.floating] | None = None,
    track: Track = lambda numbers, total, what: numbers,
) -> tuple[Verdict, ...]:
    """Try to tell every two sets apart that have enough clips.

    Args:
        groups: [clips], equal for what must not be split: clips of a group, duplicates.
        embeddings: [clips, dimensions] of a network, as one more group of features; rows of NaN have none.
    """
    features = _features(survey, embeddings)
    chosen = {name: _some(rows, settings) for name, rows in survey.sets.items()}
    able = [name for name, rows in chosen.items() if len(np.unique(groups[rows])) >= FEWEST_CLIPS]
    pairs = list(combinations(able, 2))
    found = []
    for number in track(range(len(pairs)), len(pairs), "tell apart"):
        a, b = pairs[number]
        rows = np.concatenate([chosen[a], chosen[b]])
        found.append(_verdict(survey, a, b, rows, features, groups[rows], settings))
    return tuple(found)


def _verdict(
    survey: Survey,
    a: str,
    b: str,
    rows: NDArray[np.int64],
    features: dict[str, dict[str, NDArray[np.floating]]],
    groups: NDArray[np.int64],
    settings: AuditSettings,
) -> Verdict:
    is_b = survey.table["set"].to_numpy()[rows] == b
    tables = {name: np.stack([column[rows] for column in group.values()], axis=1) for name, group in features.items()}
    tables = {ALL: np.concatenate(list(tables.values()), axis=1)} | tables
    scores = {name: _out_of_fold(table, is_b, groups, settings.seed) for name, table in tables.items()}
    auc = {name: _interval(is_b, values, groups, settings) for name, values in scores.items()}
    single = [
        Telling(name, cliffs_delta(*(_finite(column[rows][is_b == side]) for side in (False, True))))
        for group, columns in features.items()
        if group != "embedding"
        for name, column in columns.items()
        if all(np.isfinite(column[rows][is_b == side]).any() for side in (False, True))
    ]
    table = pl.DataFrame(
        {"id": survey.table["id"].gather(rows), "set": survey.table["set"].gather(rows), "score": scores[ALL]}
    )
    telling = sorted(single, key=lambda each: (-abs(each.delta), each.feature))[:_N_TELLING]
    return Verdict(a, b, auc, tuple(telling), table.sort("score", "id"))


def _features(survey: Survey, embeddings: NDArray[np.floating] | None) -> dict[str, dict[str, NDArray[np.floating]]]:
    """The columns of each group of features by name, [clips] each."""
    found: dict[str, dict[str, NDArray[np.floating]]] = {}
    for name, measure in MEASURES.items():
        found.setdefault(measure.group, {})[measure.words] = survey.table[name].to_numpy()
    bands = [f"{hz / 1000:.1f} kHz" if hz >= 1000 else f"{hz:.0f} Hz" for hz in survey.centres_hz]
    for hz, level in zip(bands, survey.coloured_db().T, strict=True):
        found["spectrum"][f"share of the sound around {hz}"] = level
    found["unrest"] = {
        f"unrest of the level around {hz}": spread for hz, spread in zip(bands, survey.std_db.T, strict=True)
    }
    if embeddings is not None:
        found["embedding"] = {str(number): column for number, column in enumerate(embeddings.T)}
    return found


def _some(rows: NDArray[np.int64], settings: AuditSettings) -> NDArray[np.int64]:
    if len(rows) <= settings.adversary_clips:
        return rows
    return np.sort(np.random.default_rng(settings.seed).choice(rows, settings.adversary_clips, replace=False))


def _out_of_fold(
    table: NDArray[np.floating], is_b: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    scores = np.zeros(len(table))
    splits = StratifiedGroupKFold(N_SPLITS, shuffle=True, random_state=seed)
    for learnt, judged in splits.split(table, is_b, groups):
        trees = HistGradientBoostingClassifier(**_TREES, random_state=seed).fit(table[learnt], is_b[learnt])
        scores[judged] = trees.predict_proba(table[judged])[:, 1]
    return scores


def _interval(
    is_b: NDArray[np.bool_], scores: NDArray[np.float64], groups: NDArray[np.int64], settings: AuditSettings
) -> Interval:
    def area(drawn: NDArray[np.int64]) -> float:
        side = is_b[drawn]
        n_b, n_a = int(side.sum()), int((~side).sum())
        if not (n_a and n_b):
            return float("nan")
        return float((rankdata(scores[drawn])[side].sum() - n_b * (n_b + 1) / 2) / (n_a * n_b))

    return bootstrap_interval(
        area,
        len(is_b),
        bounds=(0.0, 1.0),
        groups=groups.tolist(),
        n_resamples=settings.n_resamples,
        seed=settings.seed,
    )


def _finite(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(values[np.isfinite(values)], np.float64)
