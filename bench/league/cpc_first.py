"""A net that first learns without labels what comes next in a clip, as ex4sperans tried it (R. Akhmetov, 2019)."""

from typing import TYPE_CHECKING

from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_RECIPE, _BATCH = "ex4sperans_1d", 20
_HALF = ("training.epochs=50", "training.augment_epochs=45")
_UNLABELLED = (
    # A cut that is never made stands in the place of the mixtures: of these nothing can be foreseen.
    "view.1={kind: cut_out, p: 0.0}",
    # Two steps of which neither hears anything of the other take 1.9 s.
    f"streams={{clips: {{origins: {{curated: 1, noisy: 1}}, sampling: once, batch_size: {_BATCH}, "
    "crop: {length_s: null, longest_s: 15.0, shortest_s: 2.0, short: silence}}}",
    "objective={ahead: {streams: [clips], term: {kind: cpc, negatives: clip, contrast: each}}}",
)


class CpcFirst(System, kind="cpc_first"):
    """The net over time alone of ex4sperans: for half of its epochs by contrastive predictive coding, on all clips and
    without labels, then with fresh heads on the curated ones.

    Both halves have as many steps. The source judged each prediction by itself, against the other steps of its clip, as
    is done here; its net for this was a causal one, and it does not say how it came from there to tags. This net hears
    ahead, so distances are counted from where it has not heard.
    """

    def outline(self, plan: "Plan") -> None:
        as_many = f"training.steps_per_epoch={_steps(plan)}"
        ahead = plan.train("ahead", _RECIPE, changes=(*_UNLABELLED, *_HALF, as_many))
        plan.train("1d", _RECIPE, start=ahead, changes=("model.start.heads=fresh", *_HALF))


def _steps(plan: "Plan") -> int:
    """Of an epoch on the curated clips that a fold learns from."""
    learnt = 1.0 if plan.fold == "none" else 1 - 1 / len(plan.ground.numbers("each"))
    return max(1, round(plan.n_clips("curated") * learnt) // _BATCH)
