"""The system of rftexas: three models of one net, by what they make of the noisy clips, and their mean.

A student's article on the challenge of 2019 (rftexas and PAB), which comes without a program.
"""

from typing import TYPE_CHECKING

from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.correlation import Pruning
from earmark.objectives.sharpening.sharpening import Sharpening
from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_RECIPE = "rftexas"
_GUESSED = "objective.labels.term.guesses.file"


class Rftexas(System, kind="rftexas"):
    """A baseline on curated clips, the same net begun on noisy ones, the same net on curated clips and guesses about
    the noisy ones, and the mean of those of the three that differ enough (rftexas and PAB, 2019).

    The baseline guesses the noisy clips, whose own labels then count for nothing; each fold's model learns from the
    guesses of the baseline that held out the same fold. Models whose scores correlate too much with those of a better
    one are left out of the mean; the source looked at that correlation and kept its three, without naming a bound.
    """

    sharpening: Sharpening | None = None
    """What is made of the guesses before they are learnt; null takes the chances as they are. The source does not say
    whether it made labels of them ({kind: hard})."""
    prune: Pruning | None = Pruning()
    """When a model is too much like another to be averaged; null averages all three."""

    def outline(self, plan: "Plan") -> None:
        baseline = plan.train("baseline", _RECIPE)
        noisy = plan.train("noisy", _RECIPE, changes=("streams.clips.origins={noisy: 1}",))
        transfer = plan.train("transfer", _RECIPE, start=noisy)
        guesses = plan.guess("guess", by=baseline)
        pseudo = plan.train("pseudo-labels", _RECIPE, tables={_GUESSED: guesses.own}, changes=self._learning())
        plan.blend("ensemble", (baseline, transfer, pseudo), Arithmetic(prune=self.prune))

    def _learning(self) -> tuple[str, ...]:
        """What makes a recipe learn from curated labels and from guesses about noisy clips."""
        sharpening = "null" if self.sharpening is None else self.sharpening.model_dump_json()
        term = f"kind: pseudo_labels, origins: [noisy], guesses: {{file: guesses}}, sharpening: {sharpening}, loss: bce"
        return (
            "streams.clips.origins={curated: 1, noisy: 1}",
            "streams.clips.sampling=once",
            f"objective.labels.term={{{term}}}",
        )
