"""The choice among ways of using a model (snapshots, paddings, hearings) by held-out predictions alone.

As O. Akiyama and J. Sato (2019) chose the cycles and the paddings of their snapshots by cross-validation. Beginning
with the best candidate, the one is added whose mean with those chosen scores best, as long as that gains something (R.
Caruana et al., 2004, without repetition).

A score of what was chosen on the same clips is too good. Each fold is therefore scored by what the other folds choose,
and that nested score is the one that is reported, beside those of the best single candidate, chosen in the same way,
and of all candidates together. Predictions that no fold held out are refused: a test part chooses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from earmark.core.errors import DataError, SettingsError
from earmark.core.predictions import Predictions
from earmark.data.tables import read_predictions, write_predictions
from earmark.inference.pooling import Pool, pooled
from earmark.metrics import lwlrap
from earmark.runs.folder import RunFolder
from earmark.runs.table_names import TableName, is_way
from earmark.stages.score import Judged, judge, read_truth
from earmark.stages.show import Show

AS_TRAINED = "as trained"
"""What the predictions are called that a run itself has left."""
_HELD_OUT, _TEST = "held_out", "test"
_TINY = np.finfo(np.float64).tiny
_LIFTED: dict[Pool, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "probability": lambda z: np.maximum(np.stack([expit(z), expit(-z)]), _TINY),
    "mean": lambda z: z[None],
    "geometric": lambda z: log_expit(z)[None],
}
"""What a mean adds up; of probabilities and of what is left to one, so that neither is rounded away."""


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen.

    Args:
        names: of the candidates that all folds together choose, in the order in which they were taken.
        by_fold: what the other folds choose for each fold.
        scores: lwlrap of every candidate by itself.
        chosen: each fold as what the others choose for it scores it.
        best: each fold as the single candidate that is best on the others scores it.
        everything: the mean of all candidates.
    """

    names: tuple[str, ...]
    by_fold: Mapping[int, tuple[str, ...]]
    scores: Mapping[str, float]
    chosen: Judged
    best: Judged
    everything: Judged


def candidates_in(path: Path, apart: str) -> dict[str, Predictions]:
    """The held-out predictions in a run's folder, by what tells them apart.

    Args:
        path: a run's folder, or one with a run a fold.
        apart: the name of earlier choices, which are no candidates.

    Raises:
        SettingsError: a choice cannot be called so, or what is called so is none.
        DataError: there are fewer than two.
    """
    run = RunFolder(path)
    if not (apart and is_way(apart)):
        raise SettingsError(
            f"a choice is called by letters, digits, dots and underlines, and not 'epoch', got '{apart}'; give another "
            "name with --as"
        )
    if run.predictions(TableName(_HELD_OUT, apart)).is_file() and run.read_json(f"{apart}.json") is None:
        raise SettingsError(f"'{apart}' is what a way of hearing is called here; call the choice otherwise (--as)")
    tables = {name.apart: table for name, table in run.tables(_HELD_OUT).items()}
    found = {tells or AS_TRAINED: read_predictions(tables[tells]) for tells in sorted(tables) if tells != apart}
    if len(found) < 2:
        raise DataError(
            f"'{path}' holds {len(found)} held-out predictions, so there is nothing to choose; make more with earmark "
            "predict --part held_out",
            path,
        )
    return found


def choose(
    candidates: Mapping[str, Predictions],
    truth: Path,
    show: Show,
    *,
    most: int | None = None,
    least_gain: float = 0.0,
    pool: Pool = "probability",
) -> Choice:
    """Choose, on held-out clips alone.

    Args:
        candidates: predictions of the same clips by name, each row by a model that did not learn from the clip.
        truth: the right labels; a csv or a data folder.
        most: how many are chosen at the most; none sets no bound.
        least_gain: the lwlrap that one more must gain.
        pool: what their mean is one of.

    Raises:
        DataError: predictions are not held out, or of other clips, classes or folds than the first.
        SettingsError: another pool.
    """
    if pool not in _LIFTED:
        raise SettingsError(f"the mean must be one of {', '.join(_LIFTED)}, got '{pool}'")
    first = next(iter(candidates.values()))
    folds = _must_agree(candidates)
    judged = judge(first, read_truth(truth, first.classes))
    place = {name: row for row, name in enumerate(first.ids)}
    folds = folds[[place[name] for name in judged.predictions.ids]]
    scores = {
        name: each.on("logit").aligned(judged.predictions.ids, judged.predictions.classes).scores
        for name, each in candidates.items()
    }
    vote = _Vote(scores, judged.truth, judged.known, pool)
    everywhere = np.ones(len(folds), np.bool_)
    by_fold: dict[int, tuple[str, ...]] = {}
    chosen, best = np.zeros_like(judged.predictions.scores), np.zeros_like(judged.predictions.scores)
    numbers = sorted(set(folds.tolist()))
    for number in show.track(range(len(numbers)), len(numbers), "choose"):
        fold = numbers[number]
        by_fold[fold] = vote.choose(folds != fold, most, least_gain)
        chosen[folds == fold] = vote.mean(by_fold[fold], folds == fold)
        best[folds == fold] = vote.mean(by_fold[fold][:1], folds == fold)

    def as_judged(values: NDArray[Any]) -> Judged:
        made = Predictions(
            judged.predictions.ids, judged.predictions.classes, values, "logit", folds, {"chosen_by_other_folds": True}
        )
        return Judged(made, judged.truth, judged.known, judged.usage, judged.groups, judged.without)

    return Choice(
        vote.choose(everywhere, most, least_gain),
        by_fold,
        {name: vote.score((name,), everywhere) for name in candidates},
        as_judged(chosen),
        as_judged(best),
        as_judged(vote.mean(tuple(candidates), everywhere)),
    )


def keep(choice: Choice, path: Path, name: str, pool: Pool, facts: Mapping[str, Any]) -> list[Path]:
    """Leave a choice in a run's folder.

    What is left are ``<name>.json``, the held-out part as the nested choice scores it and, where all that was chosen
    has a test part, the mean of that.

    Returns:
        What was written.
    """
    run = RunFolder(path)
    run.write_json(
        f"{name}.json",
        {
            "chosen": list(choice.names),
            "by_fold": {str(fold): list(names) for fold, names in choice.by_fold.items()},
            "candidates": dict(choice.scores),
            **facts,
        },
    )
    written = [path / f"{name}.json", run.predictions(TableName(_HELD_OUT, name))]
    write_predictions(choice.chosen.predictions, written[1])
    by_name = {made.apart or AS_TRAINED: table for made, table in run.tables(_TEST).items()}
    tests = [by_name[each] for each in choice.names if each in by_name]
    if len(tests) == len(choice.names):
        parts = [read_predictions(table) for table in tests]
        aligned = np.stack([part.on("logit").aligned(parts[0].ids, parts[0].classes).scores for part in parts])
        made = Predictions(
            parts[0].ids, parts[0].classes, _mean(aligned, pool), provenance={"mean_of": list(choice.names)}
        )
        written.append(run.predictions(TableName(_TEST, name)))
        write_predictions(made, written[-1])
    return written


class _Vote:
    """What means of candidates are worth on some clips; means grow by one candidate at a time."""

    def __init__(
        self, scores: Mapping[str, NDArray[Any]], truth: NDArray[np.float32], known: NDArray[np.bool_], pool: Pool
    ) -> None:
        self.scores, self.truth, self.known, self.pool = scores, truth, known, pool
        self._lifted = {name: _LIFTED[pool](each.astype(np.float64)) for name, each in scores.items()}
        self._before: tuple[tuple[str, ...], Any] = ((), 0.0)

    def mean(self, names: Sequence[str], rows: NDArray[np.bool_]) -> NDArray[np.float32]:
        return _mean(np.stack([self.scores[name][rows] for name in names]), self.pool)

    def score(self, names: tuple[str, ...], rows: NDArray[np.bool_]) -> float:
        *before, last = names
        if self._before[0] != tuple(before):
            self._before = (tuple(before), sum((self._lifted[name] for name in before), 0.0))
        # Each clip's order of classes is all that counts, so a sum does as well as a mean.
        total = (self._before[1] + self._lifted[last])[:, rows]
        order = total[0] if len(total) == 1 else np.log(total[0]) - np.log(total[1])
        return lwlrap(self.truth[rows], order, known=self.known[rows])

    def choose(self, rows: NDArray[np.bool_], most: int | None, least_gain: float) -> tuple[str, ...]:
        """Names in the order in which they are taken; of equal ones, the first."""
        return greedy(
            list(self.scores), lambda names: self.score(names, rows), most=most or len(self.scores), gain=least_gain
        )


def greedy(
    names: Sequence[str], score: Callable[[tuple[str, ...]], float], *, most: int, gain: float
) -> tuple[str, ...]:
    """The names that are worth being taken together, best first.

    >>> worth = {"a": 2, "b": 3, "c": 1, "ba": 5, "bc": 4, "bac": 5}
    >>> greedy("abc", lambda names: worth["".join(names)], most=3, gain=0)
    ('b', 'a')
    """
    taken: tuple[str, ...] = ()
    reached = -np.inf
    while len(taken) < most:
        left = [name for name in names if name not in taken]
        if not left:
            break
        found = {name: score((*taken, name)) for name in left}
        best = max(left, key=lambda name: found[name])
        if taken and not found[best] > reached + gain:
            break
        taken, reached = (*taken, best), found[best]
    return taken


def _mean(scores: NDArray[Any], pool: Pool) -> NDArray[np.float32]:
    """Logits [candidates, clips, classes] as one."""
    flat = scores.reshape(len(scores), -1)
    return pooled(flat, pool).reshape(scores.shape[1:])


def _must_agree(candidates: Mapping[str, Predictions]) -> NDArray[np.int64]:
    """The fold of every row of the first, after a look at all."""
    first_name, first = next(iter(candidates.items()))
    for name, each in candidates.items():
        if each.folds is None or (each.folds < 0).any():
            raise DataError(
                f"the predictions '{name}' do not say which fold's model made them, and only held-out predictions may "
                "choose; make them with earmark predict --part held_out"
            )
        if set(each.ids) != set(first.ids) or set(each.classes) != set(first.classes):
            what = "clips" if set(each.ids) != set(first.ids) else "classes"
            raise DataError(
                f"'{name}' and '{first_name}' predict other {what}; choose among predictions of the same ones"
            )
        if not np.array_equal(each.aligned(first.ids).folds, first.folds):  # type: ignore[arg-type]  # there are some
            raise DataError(f"'{name}' and '{first_name}' hold out other folds; choose among runs with the same ones")
    if first.folds is None or len(set(first.folds.tolist())) < 2:
        raise DataError(
            "a choice is judged by folds that had no part in it, so it needs several; train with --fold each"
        )
    return first.folds
