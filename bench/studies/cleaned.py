"""What each cleaning rule is worth: noisy clips learnt from as in the arm ``labels``, with the labels a rule leaves.

The rule goes by the guesses of ``curated only`` with the same fold held out, so neither guesses nor verdicts have seen
the clips that judge. Rules that compare two models have no arm here. The truth is no rule: it says how much there
would be to gain.
"""

from __future__ import annotations

from bench.studies.arm import TRUTH, Arm, Study
from bench.studies.hearsay import ALONE, AS_GIVEN

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


def _cleaned(rule: str) -> Arm:
    return AS_GIVEN._replace(name=f"labels, {rule}", before=ALONE, rule=rule)


STUDIES = {
    "cleaned": Study((AS_GIVEN, *(_cleaned(rule) for rule in RULES)), ("1", "3"), folder="hearsay", budget_s=540.0),
}
