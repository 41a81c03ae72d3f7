"""What each cleaning rule is worth: noisy clips with the labels it leaves, beside curated ones or among them.

The rule goes by the guesses of ``curated only`` with the same fold held out, so neither guesses nor verdicts have seen
the clips that judge. Rules that compare two models have no arm here. The truth is no rule: it says how much there
would be to gain.
"""

from __future__ import annotations

from bench.studies.arm import TRUTH, Arm, Study
from bench.studies.hearsay import ALONE, AMONG, AS_GIVEN, FOLDER

RULES = (
    "combined",
    "scoring",
    "confident_learning",
    "agreement",
    "relabelall",
    "relabelall_merge",
    "top_intersection",
    "select_and_predict",
    "neighbours",
    "open_set",
    "fullmatch",
    "random_best50",
    TRUTH,
)


def _cleaned(arm: Arm, rule: str) -> Arm:
    return arm._replace(name=f"{arm.name}, {rule}", before=ALONE, rule=rule)


BESIDE = (AS_GIVEN, *(_cleaned(AS_GIVEN, rule) for rule in RULES))
WITHIN = (AMONG, *(_cleaned(AMONG, rule) for rule in ("combined", "scoring", TRUTH)))

STUDIES = {"cleaned": Study((ALONE, *BESIDE, *WITHIN), ("1", "3"), folder=FOLDER, budget_s=540.0)}
