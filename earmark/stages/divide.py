"""What one run learns from, what judges it, and what it reports on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from earmark.core.errors import DataError, SettingsError
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest
from earmark.data.clips import Clips
from earmark.data.store import Store
from earmark.stages.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Parts:
    """The clips of one run by what they are for."""

    training: Clips
    held_out: Clips | None
    test: Clips | None
    put_aside: Clips | None = None
    """Neither learnt from nor held out, so that they may choose; none where every other fold is learnt from."""

    @property
    def held_out_name(self) -> str:
        """A name for the clips that are held out; empty where none are."""
        return fingerprint(sorted(self.held_out.ids)) if self.held_out else ""


def folds_aside(recipe: Recipe, manifest: Manifest, fold: int | None, *, choosing: bool = True) -> tuple[int, ...]:
    """The folds that a training neither learns from nor holds out.

    Where something is chosen by a score (`training.watch`) it is the next fold; and where the split says so
    (`Holdout`), those that it says.

    Args:
        choosing: whether what the recipe chooses by a score is chosen.

    Raises:
        SettingsError: something is to be chosen, and no fold is left for it; or the fold is the one to learn from.
    """
    if fold is None:
        return ()
    there = sorted(set(manifest.where(part="train", origin="curated").clips["fold"].drop_nulls().to_list()))
    aside = [] if recipe.folds is None else recipe.folds.aside(fold, there)
    if recipe.folds is not None and fold in there and fold not in recipe.folds.to_hold_out(there):
        raise SettingsError(
            f"fold {fold} of folds '{recipe.folds.kind}' is the one to learn from; hold out one of "
            f"{', '.join(map(str, recipe.folds.to_hold_out(there)))} (--fold)"
        )
    if not (choosing and recipe.training.puts_aside) or aside:
        return tuple(aside)
    others = [number for number in there if number != fold]
    if len(others) < 2:
        raise SettingsError(
            f"{next(iter(recipe.training.choosers))} goes by the score of a fold that is neither learnt from nor held "
            f"out, and of folds {', '.join(map(str, there))} none is left for that; make one more, or set "
            "training.watch: held_out, by which the held-out score becomes a little too good"
        )
    return (next((number for number in others if number > fold), others[0]),)


def divide(
    manifest: Manifest, store: Store, fold: int | None, origins: Sequence[str], aside: Sequence[int] = ()
) -> Parts:
    """What a run learns from, what it is judged by, and what it reports on.

    Clips of a held-out fold are not learnt from, whatever their origin; judged are its curated clips. So it is with
    folds that are put aside.

    Raises:
        DataError: there is no such fold, or nothing to learn from.
    """
    train = manifest.where(part="train", origin=list(origins))
    held_out = put_aside = None
    if fold is not None:
        folds = sorted(set(manifest.where(part="train", origin="curated").clips["fold"].drop_nulls()))
        if fold not in folds:
            raise DataError(f"there is no fold {fold}; the curated clips have folds {', '.join(map(str, folds))}")
        held_out = Clips.of(manifest.where(part="train", origin="curated", fold=fold), store)
        if aside:
            put_aside = Clips.of(manifest.where(part="train", origin="curated", fold=list(aside)), store)
        train = train.where(pl.col("fold").is_null() | ~pl.col("fold").is_in([fold, *aside]))
    if not len(train):
        raise DataError("no clip is left to learn from; check the origins of the streams and the fold")
    if not manifest.classes:
        raise DataError("the data name no class, so there is nothing to learn; give labels, or a vocabulary")
    if held_out is not None and not (held_out.targets * held_out.known).any():
        raise DataError(f"no clip of fold {fold} has a label, so it can judge nothing; hold out another fold")
    if put_aside is not None and not (put_aside.targets * put_aside.known).any():
        which = ", ".join(map(str, aside))
        raise DataError(
            f"no clip of what is put aside (fold {which}) has a label, so it can choose nothing; split anew"
        )
    test = manifest.where(part="test")
    return Parts(Clips.of(train, store), held_out, Clips.of(test, store) if len(test) else None, put_aside)
