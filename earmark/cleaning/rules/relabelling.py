"""New labels by a threshold of the guesses, chosen for an expected number of labels a clip (R. Akhmetov, 2019)."""

from abc import ABC
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, Verdict, chosen, relabelled
from earmark.cleaning.ranks import threshold_for
from earmark.cleaning.rules.rule import Rule


class Thresholded(Rule, ABC):
    """What the relabelling rules share."""

    expected: float = Field(1.2, gt=0)
    """Labels a clip that the threshold is to leave on average."""

    def _above(self, case: Case) -> tuple[NDArray[np.bool_], float]:
        p = case.guesses[0].p
        threshold = threshold_for(p, self.expected)
        return p > threshold, threshold

    def _opinion(self, case: Case, verdicts: NDArray[np.int8], threshold: float) -> Opinion:
        p = case.guesses[0].p
        return Opinion(verdicts, belief=p, seen={"guess": p, "threshold": np.full(len(case), threshold)})


class FullMatch(Thresholded, kind="fullmatch"):
    """Clips whose thresholded guesses are exactly their given labels keep them; of the others nothing is believed."""

    def _judge(self, case: Case) -> Opinion:
        above, threshold = self._above(case)
        return self._opinion(case, chosen(case.labels, (above == case.labels).all(axis=1)), threshold)


class RelabelAll(Thresholded, kind="relabelall"):
    """Thresholded guesses take the place of the given labels; clips where none is left are not used."""

    def _judge(self, case: Case) -> Opinion:
        above, threshold = self._above(case)
        verdicts = relabelled(case.labels, above)
        verdicts[case.labels & ~above.any(axis=1, keepdims=True)] = Verdict.UNKNOWN
        return self._opinion(case, verdicts, threshold)


class RelabelAllReplaceNan(RelabelAll, kind="relabelall_replacenan"):
    """As relabelall, with a choice of what becomes of clips where no guess is above the threshold.

    The published code paired clips and new labels by their places in the file after sorting, and so gave clips of an
    unsorted table the labels of others. Here everything goes by name.
    """

    empty: Literal["unknown", "given"] = "unknown"
    """Clips where none is left are not used, as in the last published code, or keep what was given, as in an earlier
    one."""

    def _judge(self, case: Case) -> Opinion:
        found = super()._judge(case)
        if self.empty == "given":
            verdicts = found.verdicts
            verdicts[case.labels & (verdicts == Verdict.UNKNOWN)] = Verdict.KEEP
        return found


class RelabelAllMerge(Thresholded, kind="relabelall_merge"):
    """Thresholded guesses are added to the given labels, all of which are kept."""

    def _judge(self, case: Case) -> Opinion:
        above, threshold = self._above(case)
        found = self._opinion(case, relabelled(case.labels, above | case.labels), threshold)
        return found._replace(belief=found.belief + case.labels)
