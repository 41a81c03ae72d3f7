"""What the noisy part is good for where trusted clips are few: one in four of each class, and the same time.

Four times as many passes over the trusted clips as with all of them: it is labels that are short here, not time.
"""

from __future__ import annotations

from bench.studies.arm import Arm, Study
from bench.studies.cleaned import BESIDE, BEST_KNOWN
from bench.studies.hearsay import ALONE, SHORT, SHORT_S, TERMS

_EVERY = 4
_LEFT_OUT = ("CPC first", "APC first", "labels, statistics of both")
"""What learns from clips without their labels would hear all the trusted ones, or none of what it would with all."""


def _few(arm: Arm) -> Arm:
    """The same with a quarter of the trusted clips, by whose guesses labels are judged; noisy ones may come first."""
    before = FEW if arm.before == ALONE else arm.before
    return arm._replace(name=f"{arm.name}, one in {_EVERY}", every=_EVERY, before=before)


FEW = ALONE._replace(name=f"{ALONE.name}, one in {_EVERY}", every=_EVERY)
ARMS = (FEW, *map(_few, BEST_KNOWN), *(_few(arm) for arm in TERMS if arm != ALONE and arm.name not in _LEFT_OUT))

STUDIES = {"few_trusted": Study((*ARMS, *map(_few, BESIDE)), ("1", "3"), folder=SHORT, budget_s=SHORT_S)}
