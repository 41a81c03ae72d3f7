"""What there is to judge by: doubtful clips with their labels, guesses about them, and trusted clips with theirs.

Everything is aligned once, here: rows are the doubtful (noisy) clips in the order of their ids, columns the classes of
the manifest. Guesses must be out of fold: made by models that did not learn from the clip. A model that did only
repeats what it was told.

A guess about a doubtful clip may be the mean of several models (none of which saw it). Then the choice of clips
depends a little on every trusted label, those of the fold that judges the next training among them; for a validation
that is free of that, clean with the guesses of one fold's model and train that fold on the result.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.core.embeddings import Embeddings
from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Link, Predictions
from earmark.core.settings import nearest


@dataclass(frozen=True, eq=False)
class Guesses:
    """What one model, or one mean of models, thinks.

    Args:
        parts: tables of doubtful clips, and of held-out trusted ones where there are some; no clip in two of them.
        members: what the guesses are the mean of: tables of single folds, runs or snapshots, each of some clips.
        name: what messages call it.
    """

    parts: tuple[Predictions, ...]
    members: tuple[Predictions, ...] = ()
    name: str = "predictions"


@dataclass(frozen=True, eq=False)
class Guess:
    """A guess about every clip of a case; rows of trusted clips that were not guessed are NaN."""

    scores: NDArray[np.float64]
    """[doubtful, classes], on the link they came on: only their order within a clip counts."""
    p: NDArray[np.float64]
    """[doubtful, classes]: the same as chances, as far as the model's word goes."""
    trusted_p: NDArray[np.float64]
    """[trusted, classes]"""
    members: NDArray[np.float64]
    """[members, doubtful, classes]: chances by the single models behind it, NaN where one has no say; where it is no
    mean, itself alone."""

    @property
    def heard(self) -> NDArray[np.float64]:
        """[members, doubtful, classes]: the single models, or itself alone where none heard one of the clips."""
        unheard = np.isnan(self.members).any(axis=2).all(axis=0).any()
        return self.p[None] if unheard else self.members


@dataclass(frozen=True, eq=False)
class Space:
    """Vectors of one network; rows of clips without one are NaN."""

    doubtful: NDArray[np.float32]
    trusted: NDArray[np.float32]
    fold: int | None
    """The fold that the network never saw: its trusted clips lie there as doubtful clips do."""


@dataclass(frozen=True, eq=False)
class Case:
    """All that a rule may look at."""

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.bool_]
    """[doubtful, classes]: what was said to be present, and still holds."""
    folds: NDArray[np.int64]
    """The fold of each doubtful clip; -1 where it has none."""
    guesses: tuple[Guess, ...]
    trusted_ids: tuple[str, ...]
    trusted_labels: NDArray[np.bool_]
    trusted_known: NDArray[np.bool_]
    trusted_folds: NDArray[np.int64]
    spaces: tuple[Space, ...] = ()
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """For each doubtful clip its row among the trusted ones, -1 where it is none of them."""

    def __post_init__(self) -> None:
        if len(self.places) != len(self.ids):
            object.__setattr__(self, "places", np.full(len(self.ids), -1, np.int64))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def members(self) -> NDArray[np.float64]:
        """[members, doubtful, classes]: the chances by every single model."""
        none = np.zeros((0, len(self), len(self.classes)))
        return np.concatenate([none, *(guess.members for guess in self.guesses)])

    @property
    def has_trusted_guesses(self) -> bool:
        """Whether any trusted clip was guessed by every model."""
        return bool(len(self.guesses) and self.guessed.any())

    @property
    def guessed(self) -> NDArray[np.bool_]:
        """[trusted]: those that every model has guessed."""
        found = np.ones(len(self.trusted_ids), np.bool_)
        for guess in self.guesses:
            found &= ~np.isnan(guess.trusted_p).any(axis=1)
        return found

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        guesses: Sequence[Guesses],
        embeddings: Sequence[Embeddings] = (),
        *,
        excused: Collection[str] = (),
        vouched: bool = False,
    ) -> Case:
        """Align everything by name.

        Args:
            manifest: its noisy training clips are doubtful, its curated ones trusted.
            guesses: one or more.
            embeddings: one for each network.
            excused: doubtful clips that need no guess, such as those in quarantine; they are left out.
            vouched: whether guesses and vectors that do not say that they are out of fold are believed to be.

        Raises:
            DataError: there is nothing to judge, vocabularies differ, a doubtful clip has no guess or vector, or a
                guess is not out of fold.
        """
        doubtful = manifest.where(part="train", origin="noisy")
        left_out = set(excused)
        ids = tuple(name for name in doubtful.ids if name not in left_out)
        if not ids:
            raise DataError("the manifest has no noisy training clip, so there is no doubtful label to judge")
        trusted = manifest.where(part="train", origin="curated")
        for each in guesses:
            for part in (*each.parts, *each.members):
                _must_share_vocabulary(part, manifest.classes, each.name)
        values, known = trusted.targets()
        tables = [_Table(each.name, each.parts, manifest.classes, vouched) for each in guesses]
        return cls(
            ids=ids,
            classes=manifest.classes,
            labels=doubtful.targets(ids).values > 0,
            folds=_folds(doubtful, ids, []),
            guesses=tuple(_guess(table, each, ids, trusted.ids) for table, each in zip(tables, guesses, strict=True)),
            trusted_ids=trusted.ids,
            trusted_labels=values > 0,
            trusted_known=known,
            trusted_folds=_folds(trusted, trusted.ids, tables),
            spaces=tuple(_space(each, ids, trusted.ids, vouched) for each in embeddings),
        )


def trusted_as_doubtful(case: Case) -> Case:
    """The trusted clips that were guessed out of fold, with their own labels, as if those were doubtful."""
    places = np.flatnonzero(case.guessed)
    guesses = (guess.trusted_p[places] for guess in case.guesses)
    return replace(
        case,
        ids=tuple(case.trusted_ids[place] for place in places),
        labels=(case.trusted_labels & case.trusted_known)[places],
        folds=case.trusted_folds[places],
        guesses=tuple(Guess(p, p, each.trusted_p, p[None]) for p, each in zip(guesses, case.guesses, strict=True)),
        spaces=tuple(Space(space.trusted[places], space.trusted, space.fold) for space in case.spaces),
        places=places.astype(np.int64),
    )


class _Table:
    """Predictions of disjoint sets of clips, looked up by name; rows that are not out of fold are refused when used."""

    def __init__(self, name: str, parts: Sequence[Predictions], classes: Sequence[str], vouched: bool) -> None:
        self.name, self.parts, self.classes, self.vouched = name, parts, classes, vouched
        self.where = {clip: (number, row) for number, part in enumerate(parts) for row, clip in enumerate(part.ids)}
        if len(self.where) < sum(len(part) for part in parts):
            raise DataError(f"a clip is guessed twice in '{name}'; name tables of different clips")

    def fold_of(self, clip: str) -> int:
        number, row = self.where.get(clip, (-1, -1))
        folds = self.parts[number].folds if number >= 0 else None
        return -1 if folds is None else int(folds[row])

    def rows(self, clips: Sequence[str], link: Link | None = None) -> NDArray[np.float64]:
        """The scores of clips, NaN for those that are not there."""
        found = np.full((len(clips), len(self.classes)), np.nan)
        for number, part in enumerate(self.parts):
            here = [(row, clip) for row, clip in enumerate(clips) if self.where.get(clip, (-1, 0))[0] == number]
            if here:
                self._must_be_out_of_fold(part, [clip for _, clip in here])
                aligned = part.aligned([clip for _, clip in here], self.classes)
                found[[row for row, _ in here]] = (aligned.on(link) if link else aligned).scores
        return found

    def _must_be_out_of_fold(self, part: Predictions, clips: Sequence[str]) -> None:
        said = part.provenance.get("out_of_fold")
        if self.vouched or said is True:
            return
        if said is False:
            raise DataError(
                f"guesses must come from models that did not learn from the clip, but '{self.name}' says that some of "
                f"its models did, and clip '{clips[0]}' may be one of theirs; make them with earmark predict, or vouch "
                "for them"
            )
        stray = [clip for clip in clips if self.fold_of(clip) < 0]
        if stray:
            raise DataError(
                f"guesses must come from models that did not learn from the clip, but '{self.name}' does not say so of "
                f"{len(stray)} clips, first '{stray[0]}'; make them with earmark predict, or vouch for them"
            )


def _guess(table: _Table, guesses: Guesses, ids: Sequence[str], trusted: Sequence[str]) -> Guess:
    lacking = [clip for clip in ids if clip not in table.where]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(ids)} noisy clips have no guess in '{table.name}', first '{lacking[0]}'; predict "
            "them with models that did not learn from them (earmark predict)"
        )
    scores, p = table.rows(ids), table.rows(ids, "probability")
    single = [_Table(table.name, [each], table.classes, table.vouched) for each in guesses.members]
    members = np.stack([one.rows(ids, "probability") for one in single]) if single else p[None]
    return Guess(scores, p, table.rows(trusted, "probability"), members)


def _space(embeddings: Embeddings, ids: Sequence[str], trusted: Sequence[str], vouched: bool) -> Space:
    if embeddings.provenance.get("out_of_fold") is False and not vouched:
        raise DataError(
            "embeddings must come from a network that did not learn from the doubtful clips, but these say that theirs "
            "did; embed with another one (earmark predict --embed), or vouch for them"
        )
    there = set(embeddings.ids)
    lacking = [clip for clip in ids if clip not in there]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(ids)} noisy clips have no vector in the embeddings, first '{lacking[0]}'; embed "
            "all of them (earmark predict --embed)"
        )
    if there.isdisjoint(trusted):
        raise DataError("the embeddings hold no curated clip, so nothing trusted lies near; embed those as well")
    found = np.full((len(trusted), embeddings.vectors.shape[1]), np.nan, np.float32)
    rows = [row for row, clip in enumerate(trusted) if clip in there]
    found[rows] = embeddings.aligned([trusted[row] for row in rows]).vectors
    return Space(embeddings.aligned(ids).vectors, found, embeddings.fold)


def _folds(manifest: Manifest, ids: Sequence[str], tables: Sequence[_Table]) -> NDArray[np.int64]:
    """The fold of each clip: that of the manifest, else that of the model that guessed it held out."""
    given = dict(manifest.clips.select("id", pl.col("fold").fill_null(-1)).iter_rows())
    folds = [next((f for f in (given[clip], *(t.fold_of(clip) for t in tables)) if f >= 0), -1) for clip in ids]
    return np.array(folds, dtype=np.int64)


def _must_share_vocabulary(predictions: Predictions, classes: Sequence[str], name: str) -> None:
    lacking, strange = sorted(set(classes) - set(predictions.classes)), sorted(set(predictions.classes) - set(classes))
    if lacking:
        raise DataError(
            f"manifest and predictions are over different vocabularies: '{name}' has no column for class "
            f"'{lacking[0]}' of the manifest; {nearest(lacking[0], predictions.classes)}"
        )
    if strange:
        raise DataError(
            f"manifest and predictions are over different vocabularies: the manifest knows nothing of class "
            f"'{strange[0]}' in '{name}'; {nearest(strange[0], classes)}"
        )
