"""Iterative stratification of groups of clips over labels.

Single clips are dealt out label by label, the rarest first, each to the fold that still lacks most of that label:
Sechidis, Tsoumakas, Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011, figure 1. Groups of several
clips go before them, the largest first, each to where it fits best; the single clips then make up for what the groups
left uneven. A label of a curated clip counts apart from the same label of a noisy one, so that the folds of curated
clips are the same whether or not noisy ones are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.core.chance import Chance
from earmark.core.errors import DataError
from earmark.core.manifest import ORIGINS, Manifest

NO_LABEL = "\0"
"""Stands for the label of a clip that has none, so that these are dealt out evenly as well."""


class Units(NamedTuple):
    """What folds must keep whole: the groups, and each clip without a group by itself."""

    clips: tuple[tuple[str, ...], ...]
    """The ids of each unit's clips."""
    counts: NDArray[np.int64]
    """[units, labels]: how many of its clips have the label."""
    sizes: NDArray[np.int64]
    """[units, origins]: how many clips it has."""
    origins: NDArray[np.int64]
    """[labels]: the origin whose label this is."""
    luck: NDArray[np.int64]
    """[units]: what decides where nothing else does; a function of the seed and the unit's name alone."""


def stratified(manifest: Manifest, shares: Sequence[float], seed: int) -> dict[str, int]:
    """Divide the training clips so that each fold gets its share of every label.

    Args:
        manifest: what to divide.
        shares: the share of each fold; they sum to one.
        seed: another seed gives another division, as good.

    Raises:
        DataError: a fold would be empty, because there are fewer clips or groups than folds, or a share is too small.
    """
    units = units_of(manifest.where(part="train"), seed)
    folds = deal(units, np.asarray(shares, dtype=np.float64))
    for fold in range(len(shares)):
        if not (folds == fold).any():
            raise DataError(
                f"{len(shares)} folds were wanted, but fold {fold} would be empty: there are {len(units.clips)} "
                "training clips or groups; ask for fewer or larger folds"
            )
    return {name: int(fold) for names, fold in zip(units.clips, folds, strict=True) for name in names}


def units_of(manifest: Manifest, seed: int) -> Units:
    """The groups of a manifest with what they hold, in alphabetical order."""
    # A group could bear the name of a clip; the sign before it keeps the two apart.
    unit = pl.when(pl.col("group").is_null()).then(pl.format("c{}", "id")).otherwise(pl.format("g{}", "group"))
    clips = manifest.clips.select("id", "origin", unit=unit)
    names = clips["unit"].unique().sort()
    said = manifest.current().filter(pl.col("state") == "present").select(id="clip", label="label")
    labels = clips.join(said, on="id", how="left").with_columns(pl.col("label").fill_null(NO_LABEL))
    keys = labels.select("origin", "label").unique().sort("origin", "label").with_row_index("column")
    row = {name: i for i, name in enumerate(names.to_list())}
    counts = np.zeros((len(names), keys.height), dtype=np.int64)
    places = labels.join(keys, on=["origin", "label"])
    np.add.at(counts, (_rows(places, row), places["column"].to_numpy()), 1)
    sizes = np.zeros((len(names), len(ORIGINS)), dtype=np.int64)
    np.add.at(sizes, (_rows(clips, row), _origins(clips)), 1)
    chance = Chance(seed).at("folds")
    return Units(
        clips=tuple(tuple(ids) for ids in clips.group_by("unit").agg(pl.col("id").sort()).sort("unit")["id"].to_list()),
        counts=counts,
        sizes=sizes,
        origins=_origins(keys),
        luck=np.array([chance.at(unit=name).number() for name in row], dtype=np.int64),
    )


def deal(units: Units, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """The fold of each unit: [units]."""
    folds = np.full(len(units.counts), -1, dtype=np.int64)
    n_clips = units.sizes.sum(axis=1)
    totals = units.counts.sum(axis=0)
    left = totals.copy()
    lacking = np.outer(shares, totals)
    room = np.outer(shares, units.sizes.sum(axis=0))

    def give(unit: int, wish: NDArray[np.float64], space: NDArray[np.float64]) -> None:
        """Put a unit in the fold that wishes it most; then in that with most space; then in that whose turn it is."""
        turn = (np.arange(len(shares)) - units.luck[unit]) % len(shares)
        fold = np.lexsort((turn, -space, -wish))[0]
        folds[unit] = fold
        lacking[fold] -= units.counts[unit]
        room[fold] -= units.sizes[unit]
        left[:] -= units.counts[unit]

    # Least squared error over all labels at once: of the many labels in a group no single one should decide. Rounding
    # keeps the order in which a machine adds numbers out of it.
    groups = np.flatnonzero(n_clips > 1)
    for unit in groups[np.lexsort((units.luck[groups], -n_clips[groups]))]:
        give(unit, np.round(lacking @ (units.counts[unit] / totals**2), 9), np.round(room @ (units.sizes[unit] > 0), 6))
    while (left > 0).any():
        label = int(np.argmin(np.where(left > 0, left, np.iinfo(np.int64).max)))
        holders = np.flatnonzero((folds < 0) & (units.counts[:, label] > 0))
        for unit in holders[np.argsort(units.luck[holders], kind="stable")]:
            give(unit, lacking[:, label], room[:, units.origins[label]])
    return folds


def _rows(table: pl.DataFrame, row: dict[str, int]) -> NDArray[np.int64]:
    return np.array([row[name] for name in table["unit"].to_list()], dtype=np.int64)


def _origins(table: pl.DataFrame) -> NDArray[np.int64]:
    return np.array([ORIGINS.index(origin) for origin in table["origin"].to_list()], dtype=np.int64)
