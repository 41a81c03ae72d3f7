"""O. Akiyama and J. Sato's way with noisy clips: two tasks on one net, then its own guesses as soft labels.

"Multitask learning and semi-supervised learning with noisy data for audio tagging", DCASE 2019; the program is
https://github.com/OsciiArt/Freesound-Audio-Tagging-2019
"""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.guessing import Guessing, Table
    from earmark.stages.sequence.plan import Plan

_RECIPE = "soft_pseudo_labels"
_AGAIN = (
    "training.epochs=448",
    "streams.curated.batch_size=32",
    "streams.noisy.batch_size=32",
    "view.1.p=0.5",
    "streams.both={origins: {curated: 1, noisy: 1}, batch_size: 32, crop: {length_s: 4.03, short: keep}}",
)


class SoftPseudoLabels(System, kind="soft_pseudo_labels"):
    """A net with a head for curated and one for noisy labels, whose snapshots then guess the noisy clips; a second net
    starts from it and learns these guesses as well (O. Akiyama and J. Sato, 2019).

    The guesses are the mean of the probabilities of all snapshots, sharpened. The first net has met the noisy clips
    through its head for noisy labels; the head that guesses has not seen a label of theirs.

    With ``guesses: all_folds``, as in the source's best model, those of the models of all folds are taken. These have
    learnt from the held-out clips, so the held-out score of the second net is too good, which its notes say; the source
    found 0.012 of lwlrap in that. The default takes the guesses of the model that held the same fold out.
    """

    guesses: Literal["own_fold", "all_folds"] = "own_fold"
    """Whose guesses the second net learns."""
    temperature: float = Field(2.0, gt=0)
    """The power by which guesses are sharpened; 1, 1.5 and 2 were tried."""
    sum_to_one: bool = True
    """Whether the classes of a clip share one label among them, though it may have several: the source's choice."""
    weight: float = Field(20.0, ge=0)
    """The weight of the squared error between guesses and answers."""
    legacy: bool = False
    """The noisy labels as the source's program had them: their loss takes the sigmoid of a sigmoid, which leaves little
    of its gradient."""

    def outline(self, plan: "Plan") -> None:
        from earmark.stages.sequence.guessing import GuessSettings

        noisy = (f"objective.noisy.term.loss.double_sigmoid={str(self.legacy).lower()}",)
        first = plan.train("two-tasks", _RECIPE, changes=noisy)
        asked = GuessSettings(snapshots=True, learnt=True, mean="probability")
        guesses = plan.guess("guess", by=first, settings=asked)
        plan.train(
            "soft-labels",
            _RECIPE,
            start=first,
            tables={"objective.guesses.term.guesses.file": self._whose(guesses)},
            changes=(*noisy, *_AGAIN, self._learning(leak=self._leaks(plan.fold))),
        )

    def _whose(self, guesses: "Guessing") -> "Table":
        return guesses.mean if self.guesses == "all_folds" else guesses.own

    def _leaks(self, fold: str) -> bool:
        return self.guesses == "all_folds" and fold == "each"

    def _learning(self, *, leak: bool) -> str:
        """The part of the objective that learns the guesses."""
        sharpening = f"{{kind: power, exponent: {self.temperature}, sum_to_one: {str(self.sum_to_one).lower()}}}"
        guesses = f"{{file: guesses, link: probability, leak: {str(leak).lower()}}}"
        term = f"{{kind: pseudo_labels, origins: [noisy], guesses: {guesses}, sharpening: {sharpening}, loss: mse}}"
        return f"objective.guesses={{streams: [both], weight: {self.weight}, term: {term}}}"
