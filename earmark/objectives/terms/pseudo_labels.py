"""Learning from guesses that were made before."""

from pathlib import Path

from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.losses.mse import MSE
from earmark.models.network import Network
from earmark.objectives.guesses import Guesses
from earmark.objectives.look import Look
from earmark.objectives.material import Material, Register, named
from earmark.objectives.rejection import Origins
from earmark.objectives.sharpening.power import Power
from earmark.objectives.sharpening.sharpening import Sharpening
from earmark.objectives.signs import GuessingModule
from earmark.objectives.soft import SoftLoss
from earmark.objectives.term import Term


class PseudoLabels(Term, kind="pseudo_labels"):
    """A loss between the student and predictions of other models, read from a file, instead of labels.

    Akiyama and Sato (2019) learn so from noisy clips: squared error with a weight of 20, of guesses that are
    sharpened by ``{kind: power, exponent: 2, sum_to_one: true}``. That rows sum to one, though clips have several
    labels, is theirs; the default leaves it out. Hard pseudo labels are ``{kind: hard}`` or
    ``{kind: top_k, others: zero}``.

    The guesses are put in before the view, so they are mixed where clips are mixed. In a stream of several origins
    ``origins`` says who is guessed; the others bring their labels. A clip of theirs without a guess counts in the mean
    with nothing to lose.
    """

    guesses: Guesses
    """Where they lie."""
    sharpening: Sharpening | None = Power()
    """What is made of them; null takes them as they are."""
    loss: SoftLoss = MSE()
    """How far the student is from them."""
    origins: Origins | None = None
    """Whose labels are replaced; null: everybody's."""
    head: str = Field("main", min_length=1)
    """The head that learns."""

    def files(self, fold: int | None) -> tuple[Path, ...]:
        return (self.guesses.path(fold),)

    def build(self, network: Network) -> "PseudoLabelsModule":
        return PseudoLabelsModule(self)


class PseudoLabelsModule(GuessingModule):
    """The term itself; what it read is no state, for it is read again, but the tally of its guesses is."""

    targets: Tensor | None
    guessed: Tensor | None

    def __init__(self, settings: PseudoLabels) -> None:
        super().__init__()
        self.settings = settings
        self.register = Register.empty()
        self.register_buffer("targets", None, persistent=False)
        self.register_buffer("guessed", None, persistent=False)

    def meet(self, material: Material, streams: tuple[str, ...]) -> None:
        super().meet(material, streams)
        settings, what = self.settings, named(streams)
        self.register = material.of(streams, settings.origins)
        given = settings.guesses.read(self.register, material, what)
        self.targets = settings.sharpening(given.chances) if settings.sharpening else given.chances
        self.guessed, self.notes = given.guessed, given.notes

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        seen, logits = look.relabelled(streams, self._guessed, head=self.settings.head)
        self.tell(look, streams, seen.targets)
        return self.settings.loss(logits, seen.targets, seen.known)

    def _guessed(self, stream: str, batch: Batch) -> Batch:
        if self.targets is None or self.guessed is None or not len(self.register):
            return batch
        rows = self.register.rows(batch)
        ours = (rows >= 0)[:, None]
        return batch.changed(
            targets=self.targets[rows].where(ours, batch.targets),
            known=self.guessed[rows][:, None].where(ours, batch.known),
        )
