"""What each cleaning rule is worth: the labels that it leaves, of noisy clips that are three in ten of every batch.

The rule goes by the guesses of ``curated only`` with the same fold held out, which have seen no clip that judges;
``combined`` weighs them by the labels of that fold, so a little of its labels is in the verdicts. Rules that compare
two models have no arm here. The truth is no rule: it says how much there would be to gain.
"""

from __future__ import annotations

from bench.studies.arm import TRUTH, Arm, Study
from bench.studies.hearsay import ALONE, AMONG, AS_GIVEN, LONG, LONG_S, SHORT, SHORT_S

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


WITHIN = (AMONG, *(_cleaned(AMONG, rule) for rule in RULES))
BESIDE = tuple(_cleaned(AS_GIVEN, rule) for rule in ("combined", TRUTH))
BEST_KNOWN = tuple(_cleaned(AMONG, rule) for rule in ("combined", TRUTH))
"""The default rule, and as much as any could give."""

STUDIES = {
    "cleaned": Study((ALONE, *WITHIN, *BESIDE), ("1", "3"), folder=SHORT, budget_s=SHORT_S),
    "cleaned_nine_minutes": Study((ALONE, *BEST_KNOWN), ("1", "3"), folder=LONG, budget_s=LONG_S),
    "cleaned_eighteen_minutes": Study((ALONE, *BEST_KNOWN), ("1", "3"), budget_s=2 * LONG_S),
}
