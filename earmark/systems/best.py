"""earmark's own best: clean the noisy labels, learn from both kinds of clips, average nets that hear differently."""

from typing import TYPE_CHECKING

from earmark.cleaning.rules.combined import Combined
from earmark.cleaning.rules.rule import Rule
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend
from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_FIRST, _RECIPE = "small", "best"
_FINE = "view.1={kind: mel, n_fft: 4096, hop_samples: 1024, n_mels: 128, fmin_hz: 20, fmax_hz: 22050}"
_WAYS = {
    "plain": (),
    "levelled": ("view.7.per_band=mean",),
    "fine": (_FINE, "view.8.widest_bands=24"),
}


class Best(System, kind="best"):
    """A quick net on curated clips says which noisy labels to believe; three wider nets learn from both kinds and are
    averaged: on 64 bands, on 64 bands without their means, on 128 bands (earmark, 2026).

    How well nets guess clips whose labels are trusted is what cleaning goes by, so the first net is trained once for
    each fold even with ``--fold none``. With ``each`` the noisy labels are judged by the mean of all first nets, and
    with a number by the net that held that fold out, weighed by its labels: which labels are believed depends a little
    on every trusted one. What the noisy part is worth in these nets has not been measured; in `small` it is much on
    sounds of its own kind.
    """

    rule: Rule = Combined()
    """How noisy labels are judged."""
    blend: Blend = Arithmetic()
    """How the nets become one."""

    def outline(self, plan: "Plan") -> None:
        from earmark.stages.sequence.guessing import GuessSettings

        labels = None
        if plan.n_clips("noisy"):
            fold = "each" if plan.fold == "none" else plan.fold
            first = plan.train("first", _FIRST, fold=fold)
            guesses = plan.guess("guess", by=first, settings=GuessSettings(embed=True))
            labels = plan.clean("clean", self.rule, guesses)
        nets = [plan.train(name, _RECIPE, labels=labels, changes=way) for name, way in _WAYS.items()]
        plan.blend("ensemble", nets, self.blend)
