"""Held-out scores of what was learnt from held-out scores: fold by fold, so that nothing sees its own clips.

For each fold the blend is fitted to the clips of all other folds and gives its scores for that fold. What remains is
what any stacking has: the members of the other folds' clips were trained on this fold's labels, so a meta-model knows a
little of them at second hand. To be free of that, each member would have to be trained anew for each pair of folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from earmark.core.errors import DataError
from earmark.core.manifest import Targets
from earmark.core.predictions import Predictions, pooled
from earmark.ensemble.blends.blend import Blend, Track, untold

if TYPE_CHECKING:
    from earmark.ensemble.members import Members


class Nested(NamedTuple):
    """Honest scores of held-out clips."""

    predictions: Predictions
    fits: dict[int, dict[str, Any]]
    """What was learnt to score each fold; empty where nothing was."""


def nested(blend: Blend, members: Members, targets: Targets | None, *, track: Track = untold) -> Nested:
    """The blend's scores of every held-out clip, fitted without the clip's fold.

    A blend that learns nothing at all scores all clips at once, which is the same.

    Args:
        members: held-out scores, each clip with its fold.
        targets: the labels of these clips; a blend that learns nothing from labels needs none.
        track: shows progress of longer searches.

    Raises:
        DataError: a clip has no fold, or all are in one.
    """
    if not blend.is_fitted:
        return Nested(blend.fit(members, targets)(members), {})
    if members.folds is None or (members.folds < 0).any():
        raise DataError(
            f"to be scored honestly blend '{blend.kind}' needs the fold that held out each clip, and some have none; "
            "give the held-out predictions of a training of each fold"
        )
    folds = sorted(set(members.folds.tolist()))
    if len(folds) < 2:
        raise DataError(
            f"blend '{blend.kind}' learns from some folds to be scored on another, but all {len(members.ids)} clips "
            f"are of fold {folds[0]}; train more folds, or take a blend that learns nothing, such as arithmetic"
        )
    parts, fits = [], {}
    for fold in folds:
        inside = members.folds == fold
        others = None if targets is None else Targets(targets.values[~inside], targets.known[~inside])
        fitted = blend.fit(members.rows(~inside), others, track=track)
        parts.append(fitted(members.rows(inside)))
        fits[fold] = fitted.facts
    whole = pooled(parts).aligned(members.ids, members.classes)
    return Nested(members.predictions(np.asarray(whole.scores), whole.link), fits)
