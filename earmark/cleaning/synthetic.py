"""Trusted clips in the place of doubtful ones: as they are, or with labels that were spoiled on purpose.

What was spoiled how is known, so that rules can be fitted and compared without anybody's truth about the doubtful
clips. Only trusted clips that were guessed out of fold take part.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.cleaning.case import Case, Guess, Space
from earmark.core.chance import Chance
from earmark.core.settings import Settings


class Spoiled(NamedTuple):
    """A case whose labels were spoiled, and what is right."""

    case: Case
    truth: NDArray[np.bool_]
    """[clips, classes]"""
    out: NDArray[np.bool_]
    """[clips]: whether the clip now holds none of the classes."""


class SpoilSettings(Settings):
    """How labels are spoiled; the shares are those of clips, and what they leave stays right."""

    wrong: float = Field(0.25, ge=0, le=1)
    """A label is replaced by one that is not there."""
    incomplete: float = Field(0.15, ge=0, le=1)
    """One of several labels is taken away; clips with one label stay right."""
    out: float = Field(0.25, ge=0, le=1)
    """A clip with a single label becomes a stranger: its class is forgotten everywhere, and it gets another label."""
    confusable: float = Field(0.5, ge=0, le=1)
    """The chance that a wrong label is one that the model confuses with the right one; otherwise it is drawn as often
    as doubtful clips have it."""
    rounds: int = Field(4, ge=1)
    """How often every trusted clip is spoiled anew."""
    seed: int = 0
    """Another seed spoils others."""


def trusted_as_doubtful(case: Case) -> Case:
    """The trusted clips that were guessed out of fold, with their own labels, as if those were doubtful."""
    return _case(case, np.flatnonzero(case.guessed))


def spoiled(case: Case, settings: SpoilSettings) -> Spoiled:
    """The trusted clips with labels, in several rounds one after another, some of their labels spoiled."""
    rows = np.flatnonzero(case.guessed & (case.trusted_labels & case.trusted_known).any(axis=1))
    parts = [_round(case, rows, settings, Chance(settings.seed).at("spoil", round=n)) for n in range(settings.rounds)]
    places = np.tile(rows, settings.rounds)
    truth, given, hidden = (np.concatenate(each) for each in zip(*parts, strict=True))
    ids = tuple(f"{case.trusted_ids[row]} ({n})" for n in range(settings.rounds) for row in rows)
    made = replace(_case(case, places, hidden), ids=ids, labels=given)
    return Spoiled(made, truth, hidden >= 0)


def confusions(case: Case) -> NDArray[np.float64]:
    """How much the models believe in a class on trusted clips of another, [class, other class]; rows sum to one."""
    p = np.nan_to_num(case.guesses[0].trusted_p)
    labels = (case.trusted_labels & case.trusted_known & case.guessed[:, None]).astype(np.float64)
    table = labels.T @ (p * (1 - labels)) + 1e-9
    np.fill_diagonal(table, 0.0)
    return np.asarray(table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12), dtype=np.float64)


def _round(
    case: Case, rows: NDArray[np.int64], settings: SpoilSettings, chance: Chance
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Truth, given labels and forgotten class of each clip."""
    draw = chance.numpy()
    n_classes = len(case.classes)
    truth = (case.trusted_labels & case.trusted_known)[rows].copy()
    given, hidden = truth.copy(), np.full(len(rows), -1, np.int64)
    common = case.labels.sum(axis=0) + 1e-3
    common = common / common.sum()
    alike = confusions(case)
    luck = draw.random((len(rows), 3))
    lots = draw.random((len(rows), 2))
    for i in range(len(rows)):
        has = np.flatnonzero(truth[i])
        one = has[int(lots[i, 0] * len(has))]
        share = settings.confusable * alike[one] + (1 - settings.confusable) * common
        share = np.where(truth[i], 0.0, share)
        if luck[i, 0] < settings.incomplete:
            if len(has) > 1:
                given[i, one] = False
        elif luck[i, 0] < settings.incomplete + settings.wrong + settings.out and share.sum() > 0:
            other = min(int(np.searchsorted(np.cumsum(share / share.sum()), lots[i, 1])), n_classes - 1)
            wrong = luck[i, 0] < settings.incomplete + settings.wrong
            if wrong or len(has) == 1:
                given[i] &= luck[i, 1] < 0.5  # the other labels of the clip may go with it
                given[i, one], given[i, other] = False, True
                if not wrong:
                    truth[i, one], hidden[i] = False, one
    return truth, given, hidden


def _case(case: Case, places: NDArray[np.int64], hidden: NDArray[np.int64] | None = None) -> Case:
    hidden = np.full(len(places), -1, np.int64) if hidden is None else hidden
    guesses = []
    for guess in case.guesses:
        p = guess.trusted_p[places].copy()
        forgets = np.flatnonzero(hidden >= 0)
        p[forgets, hidden[forgets]] = p[forgets].min(axis=1)
        guesses.append(Guess(p, p, guess.trusted_p, p[None]))
    return replace(
        case,
        ids=tuple(case.trusted_ids[place] for place in places),
        labels=(case.trusted_labels & case.trusted_known)[places],
        folds=case.trusted_folds[places],
        guesses=tuple(guesses),
        spaces=tuple(Space(space.trusted[places], space.trusted, space.fold) for space in case.spaces),
        hidden=hidden,
        places=places.astype(np.int64),
    )
