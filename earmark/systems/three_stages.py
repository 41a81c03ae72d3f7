"""J. Deng's system: warm up on noisy clips, fine-tune on curated ones, filter, learn from labels and without them.

https://github.com/JiachuanDENG/Audio-Classification-in-Multi-stage-Semi-Supervised-Learning-Way (2019)
"""

from typing import TYPE_CHECKING

from pydantic import Field

from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_RECIPE = "three_stages"
_CLIPS, _LEARNT, _EVERY_STEPS = 3976, 0.8, 300
"""Curated clips that the source learnt from, their share of all, and the steps for which its rate stayed the same."""
_NO_MASKS = ("view.2.p=0", "view.3.p=0")
_BOTH = (
    "streams.labelled={origins: {curated: 1, noisy: 1}, sampling: once, batch_size: 4, "
    "crop: {length_s: null, shortest_s: 2.0, short: silence}}",
    "streams.unlabelled={origins: {unlabelled: 1}, batch_size: 4, "
    "crop: {length_s: null, shortest_s: 2.0, short: silence}}",
    "training.statistics_from=all",
)


class ThreeStages(System, kind="three_stages"):
    """Warm-up on noisy clips, fine-tuning on curated ones, and then semi-supervised learning on a filtered noisy part
    (J. Deng, 2019).

    The source drew the clips of the warm-up at random, 50 a class; kept of each noisy clip the labels that are among
    the five that its second model puts first; and took the clips that keep none as unlabelled ones, of which two views
    under SpecAugment shall sound alike. It split the curated clips 8:1:1 at random (``folds.kind=holdout`` is nearest)
    and kept the weights that scored best on the second part.

    A noisy clip is judged by models that have not learnt from it; where the warm-up has shown it to all of them, it
    becomes an unlabelled one. The source judged such clips as well. It ended an epoch of the last stage when the
    labelled or the unlabelled clips ran out; here it is over when the labelled ones are. The rate of that stage goes
    by steps, as it did there, and so does not hang on how many these are: where 3976 curated clips are learnt from it
    falls for 60,000 steps and then rises again; with other collections the steps are more or fewer as the clips are.
    """

    per_class: int = Field(50, ge=1)
    """Draws for each class in the warm-up, among noisy clips with that label alone."""
    top: int = Field(5, ge=1)
    """How many of the first guesses a label must be among to be kept."""
    consistency: float = Field(0.01, ge=0)
    """The weight of the squared difference of two views, summed over the classes."""
    keep_best: bool = False
    """Keep the weights of each stage that score best on clips that are neither learnt from nor held out, as the source
    did: those of the other small part where the curated clips are split 8:1:1, else those of the next fold. They are
    heard after each epoch (every 200 steps there). Without it the last weights are kept."""
    legacy: bool = False
    """The last stage as the source's program had it: views are compared by a softmax, though the net is trained class
    by class, and every noisy label is kept, for the filter's result was not written."""
    legacy_filter: bool = False
    """The filter asks a net that was left in training, as the source's program did: with dropout, and normalised by
    eight clips at a time. With ``legacy`` this shows no effect, for every label is kept."""

    def outline(self, plan: "Plan") -> None:
        from earmark.cleaning.rules.random_best50 import RandomBest50
        from earmark.cleaning.rules.top_intersection import TopIntersection
        from earmark.stages.sequence.guessing import GuessSettings

        drawn = plan.clean("draw", RandomBest50(per_class=self.per_class))
        warm = plan.train(
            "warm-up",
            _RECIPE,
            labels=drawn,
            changes=(*_NO_MASKS, "streams.labelled.origins={noisy: 1}", *self._keeping(100)),
        )
        tuned = plan.train("fine-tune", _RECIPE, start=warm, changes=(*_NO_MASKS, *self._keeping(100)))
        guesses = plan.guess("guess", by=tuned, settings=GuessSettings(legacy_in_training=self.legacy_filter))
        rule = TopIntersection(n=self.top, legacy_unwritten=self.legacy)
        filtered = plan.clean("filter", rule, guesses, unguessed="unlabelled")
        plan.train(
            "semi-supervised",
            _RECIPE,
            start=tuned,
            labels=filtered,
            changes=(*_BOTH, self._alike(), _annealing(plan), "training.epochs=50", *self._keeping(50)),
        )

    def _alike(self) -> str:
        """The part of the objective by which two views of a clip are to sound alike."""
        activation = "softmax" if self.legacy else "sigmoid"
        term = f"{{kind: consistency, activation: {activation}, over_classes: sum, branches: both}}"
        return f"objective.alike={{streams: [labelled, unlabelled], weight: {self.consistency}, term: {term}}}"

    def _keeping(self, n_epochs: int) -> tuple[str, ...]:
        if not self.keep_best:
            return ()
        return (f"training.early_stopping={{patience_epochs: {n_epochs}}}", "training.score_epochs=1")


def _annealing(plan: "Plan") -> str:
    """The cosine of the last stage, in steps: from top to bottom as many as in the fine-tuning. How many an epoch has
    there depends on the noisy clips that keep a label, and so is not known before."""
    learnt = plan.n_clips("curated") * (1.0 if plan.fold == "none" else _LEARNT)
    every = max(1, round(_EVERY_STEPS * learnt / _CLIPS))
    return f"training.schedule={{kind: cosine_steps, every_steps: {every}, half_period: 200, floor: 0.001}}"
