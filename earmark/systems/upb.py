"""The essentials of the system of Paderborn University: recurrent nets, a head for each origin, relabelled noisy clips.

J. Ebbers and R. Häb-Umbach, "Convolutional recurrent neural network and data augmentation for audio tagging with noisy
labels and minimal supervision", DCASE 2019; https://github.com/fgnt/upb_audio_tagging_2019
"""

from typing import TYPE_CHECKING

from pydantic import Field

from earmark.cleaning.rules.agreement import Agreement
from earmark.cleaning.rules.rule import Rule
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend
from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_RECIPE = "upb"
_BY_ANY = Agreement(keep=0.3, drop=0.0, add=0.3)
_BY_MOST = Agreement(keep=0.6, drop=0.4, add=0.6)
_BY_ALL = Agreement(keep=1.0, drop=0.9, add=1.0)


class UPB(System, kind="upb"):
    """Recurrent nets on curated clips, repeated three, five or seven times, and on noisy ones with a head of their own;
    their votes relabel the noisy clips, from which such nets then learn (J. Ebbers and R. Häb-Umbach, 2019).

    Those that vote are models of all folds, whatever fold is held out: fifteen with five folds, as in the source, of
    which those have a say about a clip that have not learnt from it. So what a noisy clip is called depends a little on
    every curated label. The final nine are those of three repetitions and three ways of counting the votes; the source
    names neither its thresholds nor its sets. It trained them on all curated clips, which is ``--fold none``.

    Left out: batches without shared labels, and noisy clips in two halves of which each pass takes one (they come half
    as often here). Clips longer than 30 s were dropped; here, a part of them is heard.
    """

    repeats: tuple[int, ...] = Field((3, 5, 7), min_length=1)
    """How often curated clips come for each time that half of the noisy ones do, of each kind of net."""
    relabelled: tuple[Rule, ...] = (_BY_ANY, _BY_MOST, _BY_ALL)
    """How noisy clips are relabelled, once for each set of final nets; none ends with the first nets."""
    multi_task: bool = True
    """Whether noisy labels as they came are learnt by a head of their own, as in the authors' later system, which
    gained 0.01 on the hidden test part by that and by more models; without it by the same head."""
    blend: Blend = Arithmetic()
    """How the models become one."""

    def outline(self, plan: "Plan") -> None:
        fold = "each" if self.relabelled else plan.fold
        first = [
            plan.train(f"repeat-{n}", _RECIPE, fold=fold, changes=(*self._mixed(plan, n), *self._heads(plan)))
            for n in self.repeats
        ]
        if not self.relabelled:
            plan.blend("ensemble", first, self.blend)
            return
        guesses = [plan.guess(f"guess-{n}", by=model) for n, model in zip(self.repeats, first, strict=True)]
        last = []
        for number, rule in enumerate(self.relabelled, start=1):
            labels = plan.clean(f"relabel-{number}", rule, *guesses)
            last += [
                plan.train(
                    f"final-{number}-{n}", _RECIPE, labels=labels, changes=(*self._mixed(plan, n), self._weight(plan))
                )
                for n in self.repeats
            ]
        plan.blend("ensemble", last, self.blend)

    def _mixed(self, plan: "Plan", repeats: int) -> tuple[str, ...]:
        """Curated clips so many times in a pass, noisy ones half a time."""
        noisy = plan.n_clips("noisy") / max(plan.n_clips("curated"), 1) / 2
        return (f"streams.clips.origins={{curated: {repeats}, noisy: {noisy or 0.5}}}",)

    def _heads(self, plan: "Plan") -> tuple[str, ...]:
        """A head for the labels of each origin."""
        if not self.multi_task:
            return (self._weight(plan),)
        part = "{{streams: [clips], weight: {}, term: {{kind: supervised, head: {}, origins: [{}]}}}}"
        n = len(plan.ground.manifest.classes)
        return (
            "model.heads.noisy={kind: recurrent, units: 256, layers: 2, hidden: [256]}",
            f"objective.labels={part.format(n, 'main', 'curated')}",
            f"objective.noisy={part.format(n, 'noisy', 'noisy')}",
        )

    def _weight(self, plan: "Plan") -> str:
        """The loss as a sum over the classes."""
        return f"objective.labels.weight={len(plan.ground.manifest.classes)}"
