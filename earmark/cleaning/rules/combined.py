"""All the evidence together: small logistic models that learnt on trusted clips with spoiled labels."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import logit

from earmark.cleaning.calibration import Calibration, CalibrationSettings, calibrations
from earmark.cleaning.case import Case
from earmark.cleaning.features import features
from earmark.cleaning.learners import Learnt, Odds, blended, contrast, p_none_right
from earmark.cleaning.nearest_trusted import Near, near
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.ranks import TINY, chances
from earmark.cleaning.rules.agreement import Agreement
from earmark.cleaning.rules.confident_learning import ConfidentLearning
from earmark.cleaning.rules.neighbours import Neighbours
from earmark.cleaning.rules.open_set import OpenSet
from earmark.cleaning.rules.rule import Rule
from earmark.cleaning.rules.scoring import Scoring
from earmark.cleaning.rules.top_intersection import TopIntersection
from earmark.cleaning.synthetic import Spoiled, SpoilSettings, spoiled


class Combined(Rule, kind="combined"):
    """What guesses, their order, neighbours and strangeness say together, as one chance a label.

    Three logistic models are fitted on trusted clips whose labels were spoiled on purpose: is a given label right; is a
    class there that was not given; does a clip with wrong labels hold none of the classes. A fourth one learns on the
    doubtful clips themselves what tells their own labels from those of other clips. Every single model behind the
    guesses is judged by itself, and their log-odds are averaged. How common errors are is taken from the settings of
    ``spoil``. Nothing is ever fitted on the truth about doubtful clips.
    """

    needs_trusted = True

    keep: float = Field(0.5, ge=0, le=1)
    """Least chance of a given label that is kept."""
    drop: float = Field(0.25, ge=0, le=1)
    """Largest chance at which a given label is dropped; between the two it is unknown."""
    out: float = Field(0.5, ge=0, le=1)
    """Least chance that a clip holds none of the classes, at which its labels that are not kept are out of
    vocabulary."""
    add: float = Field(0.5, ge=0, le=1)
    """Least chance of a label that is added."""
    ignore: float = Field(0.2, ge=0, le=1)
    """Least chance of a label that was not given at which nobody is taught that it is absent."""
    contrast: float = Field(0.5, ge=0, le=1)
    """The share of what doubtful clips teach in the chance of a given label; the rest is what spoiled ones teach."""
    k: int = Field(10, ge=1)
    """Neighbours to look at, where there are embeddings."""
    spoil: SpoilSettings = SpoilSettings()
    """How labels are spoiled for learning, which is also how common errors are taken to be."""
    calibration: CalibrationSettings = CalibrationSettings()
    """How the guesses are made honest first."""

    def _judge(self, case: Case) -> Opinion:
        given, around = case.labels, near(case, self.k) if case.spaces else None
        odds = self._odds(case, around)
        p = chances(np.where(given, odds.right, odds.there))
        none_right = p_none_right(odds.right, given)
        p_out = none_right * chances(odds.stranger)
        seen = {"guess": case.guesses[0].p, "p of none": p_out}
        if around is not None:
            seen |= {"near": around.share, "distance": around.distance}
        return Opinion(
            self._verdicts(given, p, p_out),
            belief=logit(np.clip(p, TINY, 1 - TINY)),
            strange=p_out,
            p=p,
            seen=seen,
            said=self._witnesses(case),
        )

    def _verdicts(
        self, given: NDArray[np.bool_], p: NDArray[np.float64], p_out: NDArray[np.float64]
    ) -> NDArray[np.int8]:
        stranger = p_out[:, None] >= self.out
        words = {
            Verdict.KEEP: given & (p >= self.keep),
            Verdict.OUT_OF_VOCABULARY: given & stranger,
            Verdict.DROP: given & (p <= self.drop),
            Verdict.ADD: ~given & (p >= self.add),
            Verdict.UNKNOWN: given | (p >= self.ignore),
        }
        return np.select(list(words.values()), list(words), Verdict.SILENT).astype(np.int8)

    def _odds(self, case: Case, around: Near | None) -> Odds:
        """The mean log-odds over the guesses."""
        lesson = spoiled(case, self.spoil)
        lesson_around = near(lesson.case, self.k) if case.spaces else None
        return _mean(
            [
                self._by_guess(case, lesson, number, honest, around, lesson_around)
                for number, honest in enumerate(calibrations(case, self.calibration))
            ]
        )

    def _by_guess(
        self,
        case: Case,
        lesson: Spoiled,
        number: int,
        honest: Calibration,
        around: Near | None,
        lesson_around: Near | None,
    ) -> Odds:
        """The mean log-odds over the single models behind a guess.

        Models that have no say about some clips are heard together, through the guess that they make up.
        """
        p = lesson.case.guesses[number].p
        learnt = Learnt.of(lesson, features(lesson.case, p, honest(p), lesson_around))
        guess, given = case.guesses[number], case.labels
        parts = []
        for member in guess.members if not np.isnan(guess.members).any() else guess.p[None]:
            made = features(case, member, honest(member), around)
            odds = learnt(made, given)
            right = np.zeros(given.shape)
            right[given] = blended(odds.right[given], contrast(made, given)[given], self.contrast)
            parts.append(odds._replace(right=right))
        return _mean(parts)

    def _witnesses(self, case: Case) -> dict[str, NDArray[np.int8]]:
        """What simpler rules say, for the record."""
        asked: list[Rule] = [Scoring(k=max(len(case) // 2, 1)), TopIntersection(), ConfidentLearning(), OpenSet()]
        asked += [Agreement()] if len(case.members) > 1 else []
        asked += [Neighbours(k=self.k)] if case.spaces else []
        return {rule.kind: rule(case).verdicts for rule in asked}


def _mean(parts: list[Odds]) -> Odds:
    return Odds(*(np.mean(each, axis=0) for each in zip(*parts, strict=True)))
