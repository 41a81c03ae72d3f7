"""All the evidence together, weighed as trusted clips teach, against mistakes as common as the doubtful clips show."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.cleaning.calibration import CalibrationSettings, calibrations
from earmark.cleaning.case import Case, trusted_as_doubtful
from earmark.cleaning.features import Features, features
from earmark.cleaning.learners import clearness, elsewhere, settle, worth
from earmark.cleaning.nearest_trusted import Near, near
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.ranks import chances, logits
from earmark.cleaning.rules.agreement import Agreement
from earmark.cleaning.rules.confident_learning import ConfidentLearning
from earmark.cleaning.rules.neighbours import Neighbours
from earmark.cleaning.rules.open_set import OpenSet
from earmark.cleaning.rules.rule import Rule
from earmark.cleaning.rules.scoring import Scoring
from earmark.cleaning.rules.top_intersection import TopIntersection


class Combined(Rule, kind="combined"):
    """What single models, their order of classes and trusted neighbours say together, as one chance a label.

    What each piece of evidence is worth is learnt on trusted clips by a small logistic model, and it is worth less
    where models hear less. How common mistakes are is learnt on the doubtful clips themselves: wrong labels look much
    like classes that were not given, and so the share of wrong ones among given labels shows. Nothing is ever fitted
    on the truth about doubtful clips. What a clip with wrong labels holds instead, if any of the classes, follows from
    the same evidence.
    """

    needs_trusted = True

    keep: float = Field(0.5, ge=0, le=1)
    """Least chance of a given label that is kept."""
    drop: float = Field(0.5, ge=0, le=1)
    """Largest chance at which a given label is dropped; between the two it is unknown."""
    out: float = Field(0.5, ge=0, le=1)
    """Least chance that a clip holds none of the classes, at which its labels that are not kept are out of
    vocabulary."""
    add: float = Field(0.5, ge=0, le=1)
    """Least chance of a label that is added."""
    ignore: float = Field(0.2, ge=0, le=1)
    """Least chance of a label that was not given at which nobody is taught that it is absent."""
    confusable: float = Field(0.3, ge=0, le=1)
    """The share of mistakes that are taken to name a class which the models confuse with the right one; the others name
    any class, as often as doubtful clips have it."""
    strangers: float = Field(0.5, gt=0, lt=1)
    """The share of clips without a right label that are taken to hold none of the classes, before they are heard."""
    k: int = Field(10, ge=1)
    """Neighbours to look at, where there are embeddings."""
    calibration: CalibrationSettings = CalibrationSettings()
    """How the guesses are made honest first."""

    def _judge(self, case: Case) -> Opinion:
        given, trusted = case.labels, trusted_as_doubtful(case)
        lesson, _ = self._features(trusted)
        made, around = self._features(case)
        value = worth(lesson, trusted.labels, case.trusted_known[trusted.places], self.confusable)
        settled = settle(made, given, value * clearness(made, lesson), self.confusable)
        others = elsewhere(settled, given, self.strangers)
        p = np.where(given, chances(settled.right), others.there)
        seen = {"guess": case.guesses[0].p, "p of none": others.none}
        if around is not None:
            seen |= {"near": around.share, "distance": around.distance}
        return Opinion(
            self._verdicts(given, p, others.none),
            belief=logits(p),
            strange=others.none,
            p=p,
            seen=seen,
            said=self._witnesses(case),
        )

    def _features(self, case: Case) -> tuple[Features, Near | None]:
        around = near(case, self.k) if case.spaces else None
        return features(case, calibrations(case, self.calibration), around), around

    def _verdicts(
        self, given: NDArray[np.bool_], p: NDArray[np.float64], p_none: NDArray[np.float64]
    ) -> NDArray[np.int8]:
        words = {
            Verdict.KEEP: given & (p >= self.keep),
            Verdict.OUT_OF_VOCABULARY: given & (p_none[:, None] >= self.out),
            Verdict.DROP: given & (p <= self.drop),
            Verdict.ADD: ~given & (p >= self.add),
            Verdict.UNKNOWN: given | (p >= self.ignore),
        }
        return np.select(list(words.values()), list(words), Verdict.SILENT).astype(np.int8)

    def _witnesses(self, case: Case) -> dict[str, NDArray[np.int8]]:
        """What simpler rules say, for the record."""
        asked: list[Rule] = [Scoring(k=max(len(case) // 2, 1)), TopIntersection(), ConfidentLearning(), OpenSet()]
        asked += [Agreement()] if len(case.members) > 1 else []
        asked += [Neighbours(k=self.k)] if case.spaces else []
        return {rule.kind: rule(case).verdicts for rule in asked}
