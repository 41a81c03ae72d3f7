"""Scores of clips for classes, with what they are and where they come from.

Rows are clips named by ids, columns are classes by name; nothing depends on the order of either. Scores keep the
precision of the model: rounding would make ties, and ties cost points. NaN is refused at the door.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, logit
from scipy.stats import rankdata

from earmark.core.errors import DataError
from earmark.core.manifest_tables import check_classes
from earmark.core.settings import nearest

Link = Literal["logit", "probability", "softmax_logit", "rank"]
"""What a score is: log-odds; chance in [0, 1]; log-odds of one choice among all; place in the clip in (0, 1]."""

ID_COLUMN = "fname"
FOLD_COLUMN = "fold"
_WITHIN = ("pooled", "mean_of", "members")
"""Where a provenance keeps those of the tables that it was made of."""
CHOSE = "chose"
"""In a provenance, what the very clips that stand here chose in the training, so that their score is too good."""
HOLDS_OUT = "holds_out"
"""In a provenance, a name for the clips of the fold that the model held out: other splits number theirs alike."""


def sources(provenance: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A provenance and those of everything that it was made of.

    >>> [each["run"] for each in sources({"run": "a", "members": {"x": {"run": "b", "mean_of": [{"run": "c"}]}}})]
    ['a', 'b', 'c']
    """
    yield provenance
    for name in _WITHIN:
        found = provenance.get(name) or ()
        for each in found.values() if isinstance(found, Mapping) else found:
            if isinstance(each, Mapping):
                yield from sources(each)


@dataclass(frozen=True, eq=False)
class Predictions:
    """Clips x classes scores on one link.

    Args:
        ids: one name a row, each once.
        classes: one name a column, each once.
        scores: [clips, classes], float32 or float64.
        link: what the scores are.
        folds: the fold whose model, which never saw the clip, made each row; -1 where a clip was in no fold.
        provenance: what made them: run, checkpoint, date, whatever a reader needs to trust or repeat them.

    Raises:
        DataError: shapes that do not fit, names given twice, a class called like another column of the table, NaN, or
            probabilities outside [0, 1].
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    scores: NDArray[Any]
    link: Link = "logit"
    folds: NDArray[np.int64] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.link not in get_args(Link):
            raise DataError(f"scores must be on one of the links {', '.join(get_args(Link))}, got '{self.link}'")
        if self.scores.shape != (len(self.ids), len(self.classes)):
            raise DataError(
                f"{len(self.ids)} clips x {len(self.classes)} classes need as many scores, got {self.scores.shape}"
            )
        for what, names in (("clip", self.ids), ("class", self.classes)):
            if len(set(names)) != len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise DataError(f"each {what} must be named once, but '{twice}' comes {names.count(twice)} times")
        check_classes(self.classes)
        bad = np.isnan(self.scores)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise DataError(
                f"{int(bad.sum())} scores are NaN, first for clip '{self.ids[row]}' and class "
                f"'{self.classes[column]}'; predict these clips again, a NaN is never a score"
            )
        if self.link == "probability" and self.scores.size and (self.scores.min() < 0 or self.scores.max() > 1):
            raise DataError(
                f"probabilities must lie in [0, 1], got {self.scores.min():g} to {self.scores.max():g}; "
                "say which link they are on"
            )

    def __len__(self) -> int:
        return len(self.ids)

    def aligned(self, ids: Sequence[str], classes: Sequence[str] | None = None) -> Predictions:
        """The rows of these clips and the columns of these classes, in the order asked for.

        Raises:
            DataError: a clip or class that was not predicted, by name.
        """
        rows = _places("clip", self.ids, ids)
        columns = _places("class", self.classes, self.classes if classes is None else classes)
        return replace(
            self,
            ids=tuple(ids),
            classes=tuple(self.classes if classes is None else classes),
            scores=self.scores[rows][:, columns],
            folds=None if self.folds is None else self.folds[rows],
        )

    def on(self, link: Link) -> Predictions:
        """The same predictions on another link, where there is a law that leads there.

        Logits and probabilities turn into each other; softmax logits into probabilities that sum to one; everything
        into ranks, and ranks into nothing else.

        Raises:
            DataError: there is no such law.
        """
        if link == self.link:
            return self
        scores = self.scores.astype(np.float64)
        if link == "rank":
            return replace(self, link=link, scores=rankdata(scores, axis=1) / max(1, scores.shape[1]))
        if (self.link, link) == ("logit", "probability"):
            return replace(self, link=link, scores=expit(scores))
        if (self.link, link) == ("probability", "logit"):
            tiny = np.finfo(np.float64).tiny
            return replace(self, link=link, scores=logit(np.clip(scores, tiny, 1 - np.finfo(np.float64).epsneg)))
        if (self.link, link) == ("softmax_logit", "probability"):
            return replace(self, link=link, scores=np.exp(log_softmax(scores, axis=1)))
        raise DataError(f"scores on the link '{self.link}' cannot be put on '{link}'; predict again with that link")

    def to_table(self) -> pl.DataFrame:
        """A table with a column of ids, one of folds where there are some, and one a class."""
        columns: dict[str, Any] = {ID_COLUMN: list(self.ids)}
        if self.folds is not None:
            columns[FOLD_COLUMN] = self.folds
        return pl.DataFrame(columns | {name: self.scores[:, i] for i, name in enumerate(self.classes)})

    @property
    def facts(self) -> dict[str, str]:
        """What a table of scores cannot say itself, as text by name."""
        return {"link": self.link, "provenance": json.dumps(dict(self.provenance), default=str)}

    @classmethod
    def from_table(
        cls, table: pl.DataFrame, facts: Mapping[str, str] | None = None, *, link: Link = "logit"
    ) -> Predictions:
        """Read what `to_table` wrote, or any table with an ``fname`` (or ``id``) column and one column a class.

        Raises:
            DataError: no column of ids, a column that is not numbers, or empty cells.
        """
        key = next((name for name in (ID_COLUMN, "id", "clip") if name in table.columns), None)
        if key is None:
            raise DataError(f"predictions need a column '{ID_COLUMN}' with the clips' names, got {table.columns[:4]}")
        classes = [name for name in table.columns if name not in (key, FOLD_COLUMN)]
        words = [name for name in classes if not table.schema[name].is_numeric()]
        if words:
            raise DataError(
                f"every column but '{key}' must hold scores, but '{words[0]}' holds {table.schema[words[0]]}"
            )
        scores = table.select(classes)
        if sum(scores.null_count().row(0)):
            raise DataError(f"{sum(scores.null_count().row(0))} scores are empty; predict these clips again")
        floats = np.float32 if all(scores.schema[name] == pl.Float32 for name in classes) else np.float64
        facts = facts or {}
        return cls(
            ids=tuple(table[key].cast(pl.String).to_list()),
            classes=tuple(classes),
            scores=scores.to_numpy().astype(floats),
            link=facts.get("link", link),  # type: ignore[arg-type]  # checked by the constructor
            folds=table[FOLD_COLUMN].to_numpy().astype(np.int64) if FOLD_COLUMN in table.columns else None,
            provenance=json.loads(facts.get("provenance", "{}")),
        )


def pooled(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of disjoint sets of clips as one, for example the held-out parts of all folds.

    Raises:
        DataError: other classes or links, or a clip predicted twice.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.link != first.link:
            raise DataError(f"only scores on one link can be pooled, got '{first.link}' and '{part.link}'")
    aligned = [part.aligned(part.ids, first.classes) for part in parts]
    folds = [part.folds if part.folds is not None else np.full(len(part), -1) for part in aligned]
    return Predictions(
        ids=tuple(name for part in aligned for name in part.ids),
        classes=first.classes,
        scores=np.concatenate([part.scores for part in aligned]),
        link=first.link,
        folds=None if all(part.folds is None for part in parts) else np.concatenate(folds),
        provenance={"pooled": [dict(part.provenance) for part in parts]},
    )


def _places(what: str, names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    place = {name: i for i, name in enumerate(names)}
    absent = [name for name in wanted if name not in place]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise DataError(f"there is no prediction for {what} '{absent[0]}'{more}; {nearest(absent[0], names[:200])}")
    return [place[name] for name in wanted]
