"""The baseline of Freesound Audio Tagging 2019: a small net that learns from noisy clips, then from curated ones.

E. Fonseca, M. Plakal, F. Font, D. P. W. Ellis and X. Serra, "Audio tagging with noisy labels and minimal supervision",
DCASE 2019; the program is https://github.com/DCASE-REPO/dcase2019_task2_baseline
"""

from typing import TYPE_CHECKING

from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_RECIPE = "challenge_baseline"
_THERE = {"noisy": (19815, 9148), "curated": (4970, 1217)}
"""Of each origin the clips there, and the steps of a pass over their windows."""
_NORM_SHARE = 0.0003
_LEAST_NORM_STEPS = 10.0
_NOISY = (
    "streams.clips.origins={noisy: 1}",
    "training.epochs=10",
    "training.optimizer.lr=0.0001",
    "training.schedule=constant",
    "model.heads.main.input_dropout=0.2",
    "objective.labels.term.loss.smoothing=0.3",
)


class ChallengeBaseline(System, kind="challenge_baseline"):
    """MobileNet v1 on windows of one second, first on noisy clips and then, from the same weights, on curated ones,
    with much label smoothing and dropout (E. Fonseca et al., 2019).

    An epoch of the source goes through all windows of all clips, half a second apart: 9148 batches of noisy ones and
    1217 of curated ones. Here windows are drawn at random places, as many in an epoch of as many clips. A clip's scores
    are the mean over its windows. Clips shorter than a window are filled up with silence; the source filled them with
    the logarithm 0, which is loud. The running statistics of batch norm reach back as far in passes over the clips as
    there, where they move by 0.0003 a step.
    """

    def outline(self, plan: "Plan") -> None:
        noisy = plan.train("from-noisy", _RECIPE, changes=(*_NOISY, *self._windows(plan, "noisy")))
        plan.train("from-curated", _RECIPE, start=noisy, changes=self._windows(plan, "curated"))

    def _windows(self, plan: "Plan", origin: str) -> tuple[str, str]:
        """An epoch through as many windows as the clips of an origin have, and statistics that reach back as far."""
        n_clips, (there, steps) = plan.n_clips(origin), _THERE[origin]
        reach = max(_LEAST_NORM_STEPS, n_clips / there / _NORM_SHARE)
        return (
            f"training.steps_per_epoch={max(1, round(n_clips * steps / there))}",
            f"model.encoder.norm_steps={reach:.1f}",
        )
