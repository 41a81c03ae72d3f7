"""L. Schoneveld's "Semi-supervised learning (and more): Kaggle Freesound Audio Tagging", a blog of 2019.

What it took from elsewhere: the net and its pictures (mhiro2's kernel), virtual adversarial training (lyakaap's
VAT-pytorch), the mean teacher and MixMatch.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from earmark.objectives.sharpening.logit_temperature import LogitTemperature
from earmark.objectives.sharpening.sharpening import Sharpening
from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_RECIPE = "s0"
_NOISY = (
    "streams.noisy={origins: {noisy: 1}, batch_size: 64, crop: {length_s: 2.0, short: silence}}",
    "training.statistics_from=all",
)
_GUESSED = "objective.noisy.term.guesses.file"
_SNIPPETS = {
    "vat": ", scale: absolute, step: 1.0, probe: 10.0, start: uniform, divergence: bce",
    "mean_teacher": ", buffers: left, every: epoch",
    "mixmatch": "",
}
"""What the blog prints, where that is not what it says or works otherwise than the papers have it."""


class Schoneveld(System, kind="schoneveld"):
    """A net of four blocks that hand their input on, on crops of two seconds, by an oscillating learning rate; the
    noisy clips are left out, or learnt from without their labels (L. Schoneveld, 2019).

    The blog gained 0.029 of lwlrap by handing the input on and something by mixup; by virtual adversarial training,
    the mean teacher and MixMatch, nothing. It does not print how much these counted. Pseudo labels are what it did not
    try: the net guesses the noisy clips, and another one learns these guesses as well (D.-H. Lee, 2013).
    """

    unlabelled: Literal["left_out", "vat", "mean_teacher", "mixmatch", "pseudo_labels"] = "left_out"
    """What is made of the noisy clips, whose labels nobody looks at."""
    weight: float = Field(1.0, gt=0)
    """How much they count."""
    sharpening: Sharpening = LogitTemperature()
    """What MixMatch and pseudo labels make of guesses. The blog proposes ``top_k``, since nets are seldom sure."""
    views: int = Field(2, ge=1)
    """Views that MixMatch guesses from."""
    loss: Literal["bce", "hinge"] = "bce"
    """The loss of labelled clips. The hinge loss takes labels that are there or not, and so unites those of mixtures;
    not with MixMatch."""
    skip: bool = True
    """Whether each block hands its input on beside what it makes of it."""
    mixup: bool = True
    """Whether pictures are mixed. MixMatch mixes by itself."""
    legacy: bool = False
    """The snippets as they are printed: the teacher is updated once an epoch and keeps the batch statistics of the
    beginning; adversarial steps are as long as they were for small images; MixMatch takes probabilities for
    logits, so that all its guesses lie between 0.5 and 0.62."""

    def outline(self, plan: "Plan") -> None:
        from earmark.stages.sequence.guessing import GuessSettings

        if self.unlabelled != "pseudo_labels":
            plan.train("net", _RECIPE, changes=(*self._net(), *self._without_labels()))
            return
        net = plan.train("net", _RECIPE, changes=self._net())
        guesses = plan.guess("guess", by=net, settings=GuessSettings(mean="probability"))
        plan.train("with-guesses", _RECIPE, tables={_GUESSED: guesses.own}, changes=(*self._net(), *self._guessed()))

    def _net(self) -> tuple[str, ...]:
        """The choices that have nothing to do with noisy clips."""
        hinge = ("objective.labels.term.loss=hinge", "view.2.labels=union") if self.loss == "hinge" else ()
        skip = f"model.encoder.skip={str(self.skip).lower()}"
        return (skip, *hinge, *(() if self.mixup else ("view.2.p=0",)))

    def _without_labels(self) -> tuple[str, ...]:
        """How noisy clips are learnt from without their labels."""
        if self.unlabelled == "left_out":
            return ()
        printed = _SNIPPETS[self.unlabelled] if self.legacy else ""
        if self.unlabelled == "mixmatch":
            sharpening = "{kind: sigmoid_twice}" if self.legacy else self.sharpening.model_dump_json()
            settings = f"n_views: {self.views}, guessed_weight: {self.weight}, sharpening: {sharpening}"
            return (
                *_NOISY,
                f"objective={{matched: {{streams: [curated, noisy], term: {{kind: mixmatch, {settings}}}}}}}",
            )
        term = f"{{kind: {self.unlabelled}{printed}}}"
        return (*_NOISY, f"objective.noisy={{streams: [noisy], weight: {self.weight}, term: {term}}}")

    def _guessed(self) -> tuple[str, ...]:
        """How guesses about noisy clips are learnt."""
        sharpening = self.sharpening.model_dump_json()
        term = f"kind: pseudo_labels, guesses: {{file: guesses}}, sharpening: {sharpening}, loss: bce"
        return (*_NOISY, f"objective.noisy={{streams: [noisy], weight: {self.weight}, term: {{{term}}}}}")
