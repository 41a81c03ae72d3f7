"""Mistakes planted in labels whose truth is known, by laws that differ from those that rules are learnt on.

Clips that hold none of the classes cannot be made, so those that there are are taken, and of the others as many as make
for the wanted share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.cleaning.case import Case, Guess, Space
from earmark.core.chance import Chance


class Noise(NamedTuple):
    """How labels go wrong."""

    name: str
    wrong: float = 0.0
    """The chance that a label is replaced by one that is not there."""
    incomplete: float = 0.0
    """The chance that a clip of several classes loses a label."""
    strangers: float = 0.0
    """The share of clips that hold none of the classes."""
    law: Literal["any", "next", "alike"] = "any"
    """What a wrong label is: any other class; the next one by name, always; or one that sounds alike, where there is
    one."""


NOISES = (
    Noise("nothing wrong"),
    Noise("10 % anything", wrong=0.1),
    Noise("40 % anything", wrong=0.4),
    Noise("40 % one other class", wrong=0.4, law="next"),
    Noise("40 % alike", wrong=0.4, law="alike"),
    Noise("40 % strangers", strangers=0.4),
    Noise("20 % alike, 25 % strangers", wrong=0.2, strangers=0.25, law="alike"),
    Noise("labels missing", wrong=0.1, incomplete=0.8),
)


class Planted(NamedTuple):
    """A case with planted mistakes, and what is right."""

    case: Case
    truth: NDArray[np.bool_]


def plant(case: Case, truth: NDArray[np.bool_], noise: Noise, alike: Mapping[str, Sequence[str]], seed: int) -> Planted:
    """Give the clips of a case other labels than they have.

    Args:
        truth: [clips, classes], what can be heard.
        alike: for a class those that sound like it.
    """
    chance = Chance(seed).at("plant", noise=noise.name).numpy()
    rows = _chosen(truth.sum(axis=1) > 0, noise.strangers, chance)
    truth = truth[rows]
    n_classes = truth.shape[1]
    common = truth.sum(axis=0) / max(truth.sum(), 1)
    column = {name: place for place, name in enumerate(case.classes)}
    near = [[column[other] for other in alike.get(name, ()) if other in column] for name in case.classes]
    labels = truth.copy()
    for row, there in enumerate(truth):
        has = np.flatnonzero(there)
        if not len(has):
            labels[row, chance.choice(n_classes, p=common)] = True
            continue
        if len(has) > 1 and chance.random() < noise.incomplete:
            labels[row, chance.choice(has)] = False
        for label in np.flatnonzero(labels[row]):
            if chance.random() < noise.wrong:
                others = _others(int(label), there, noise.law, near[label])
                if len(others):
                    labels[row, label], labels[row, chance.choice(others)] = False, True
    return Planted(replace(rows_of(case, rows), labels=labels), truth)


def _others(label: int, there: NDArray[np.bool_], law: str, near: Sequence[int]) -> NDArray[np.int64]:
    """The classes that a label may be mistaken for: none of the clip's own."""
    if law == "next":
        following = (label + 1) % len(there)
        return np.array([] if there[following] else [following], np.int64)
    alike = np.array([other for other in near if not there[other]], np.int64)
    return alike if law == "alike" and len(alike) else np.flatnonzero(~there)


def _chosen(inside: NDArray[np.bool_], strangers: float, chance: np.random.Generator) -> NDArray[np.int64]:
    """Rows with this share of strangers, as many as there can be."""
    of_us, of_others = (chance.permutation(np.flatnonzero(side)) for side in (inside, ~inside))
    n_others = min(len(of_others), int(len(of_us) * strangers / max(1 - strangers, 1e-9)))
    n_us = len(of_us) if not strangers else min(len(of_us), round(n_others * (1 - strangers) / strangers))
    return np.sort(np.concatenate([of_us[:n_us], of_others[:n_others]]))


def rows_of(case: Case, rows: NDArray[np.int64]) -> Case:
    """Some of the doubtful clips, before everybody who knew all of them."""
    guesses = tuple(Guess(g.scores[rows], g.p[rows], g.trusted_p, g.members[:, rows]) for g in case.guesses)
    return replace(
        case,
        ids=tuple(case.ids[row] for row in rows),
        labels=case.labels[rows],
        folds=case.folds[rows],
        guesses=guesses,
        spaces=tuple(Space(space.doubtful[rows], space.trusted, space.fold) for space in case.spaces),
        places=case.places[rows],
    )
