"""How guesses look, as a few numbers that stay on the device; and what they look like when they have gone wrong.

A net that learns from its own guesses can talk itself into anything: that nothing is ever there, that everything is,
that all clips are alike, that there are five classes and not eighty. The loss does not tell: it falls, for agreeing
with oneself is easy. These numbers do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from earmark.models.network import Network
from earmark.objectives.look import Look
from earmark.objectives.material import Material
from earmark.objectives.tally import Tally, counted, least_guessed, unguessed
from earmark.objectives.term import Fault, TermModule
from earmark.schedules.schedule import Place

SURE = 0.5
"""From this probability on a class counts as guessed."""
_TALLY = "tally"


class Drifting(NamedTuple):
    """A class that is guessed more often, or less, than it is there."""

    name: str
    guessed: float
    """Its share of all that is guessed."""
    labelled: float
    """Its share of the labels."""


@torch.no_grad()
def signs_of(
    guesses: Float[Tensor, "batch classes"], prior: Float[Tensor, " classes"] | None = None, sure: float = SURE
) -> dict[str, Tensor]:
    """How the guesses for a batch look.

    Returns:
        confident: the share of clips of which some class is guessed with the probability ``sure`` or more;
        entropy: of a guess, in nats, mean over clips and classes: 0 for yes and no, 0.693 for "perhaps";
        spread: how different the clips' guesses are: their variance as a share of the largest that their means allow,
        1 for yes and no that differ, 0 where all clips get the same;
        labels: how many labels a clip has by the guesses (the sum of its probabilities);
        drift: only where the prior is known: how far the guessed frequencies of the classes among one another are
        from it, 0 for alike, 1 for other classes altogether (half the sum of absolute differences).

    Args:
        guesses: probabilities.
        prior: how often each class is there by labels that are trusted.
        sure: the probability from which the term takes a class for there.
    """
    guesses = guesses.detach().float()
    inner = guesses.clamp(1e-7, 1 - 1e-7)
    mean = guesses.mean(dim=0)
    room = (mean * (1 - mean)).sum()
    signs = {
        "confident": (guesses.amax(dim=1) >= sure).float().mean(),
        "entropy": -(inner * inner.log() + (1 - inner) * (1 - inner).log()).mean(),
        "spread": (guesses - mean).square().mean(dim=0).sum() / room.clamp(min=1e-8),
        "labels": guesses.sum(dim=1).mean(),
    }
    if prior is not None:
        shares, wanted = (each / each.sum().clamp(min=1e-8) for each in (mean, prior))
        signs["drift"] = (shares - wanted).abs().sum() / 2
    return signs


def furthest(
    guessed: Float[Tensor, " classes"], prior: Float[Tensor, " classes"], classes: tuple[str, ...]
) -> Drifting:
    """The class whose share of the guesses is furthest from its share of the labels.

    >>> furthest(torch.tensor([1.0, 6.0, 1.0]), torch.tensor([4.0, 2.0, 2.0]), ("Bark", "Rain", "Wind"))
    Drifting(name='Rain', guessed=0.75, labelled=0.25)
    """
    shares, wanted = (each.double() / each.double().sum().clamp(min=1e-8) for each in (guessed, prior))
    place = int((shares - wanted).abs().argmax())
    return Drifting(classes[place], round(float(shares[place]), 6), round(float(wanted[place]), 6))


def fault_of(
    signs: Mapping[str, float],
    n_labels: float | None = None,
    most: Drifting | None = None,
    least: Sequence[str] = (),
) -> Fault | None:
    """What is wrong with guesses that look so, the worst first, or none.

    Args:
        signs: means of `signs_of` over an epoch; ``unguessed`` is the share of the classes that are hardly ever guessed
            (`earmark.objectives.tally`).
        n_labels: labels that a clip has by the prior.
        most: the class that drifts most, where it is known.
        least: the classes that are guessed least, where they are known.

    >>> fault_of({"confident": 0.6, "entropy": 0.69, "spread": 0.0, "labels": 40.0}).clause
    'its guesses say "perhaps" to everything (entropy 0.690 nats of at most 0.693)'
    """
    entropy, spread, labels = signs["entropy"], signs["spread"], signs["labels"]
    drift, seldom, confident = signs.get("drift", 0.0), signs.get("unguessed", 0.0), signs["confident"]
    if entropy > 0.65:
        return Fault(
            "entropy", f'its guesses say "perhaps" to everything (entropy {entropy:.3f} nats of at most 0.693)'
        )
    if spread < 0.005:
        return Fault("spread", f"its guesses are the same for all clips (spread {spread:.4f})")
    if n_labels and labels > max(4 * n_labels, n_labels + 2):
        return Fault("many", f"its guesses find {labels:.1f} labels a clip, where {n_labels:.1f} were expected")
    if n_labels and labels < 0.1 * n_labels:
        words = f"{labels:.3f} labels a clip, {n_labels:.1f} were expected"
        return Fault("few", f"its guesses find next to nothing ({words})")
    if drift > 0.75:
        named = f", '{most.name}' above all: {_percent(most.guessed)} of what is guessed and " if most else ""
        named += f"{_percent(most.labelled)} of the labels" if most else ""
        return Fault(
            "drift", f"its guesses are of other classes than the labels (drift {drift:.2f} of at most 1{named})"
        )
    if seldom > 0.3:
        named = f", least of all {_listed(least)}" if least else ""
        words = f"less than a tenth as often as they are labelled{named}"
        return Fault("unguessed", f"it hardly ever guesses {_percent(seldom)} of the classes ({words})")
    if confident < 0.01:
        return Fault("confident", f"its guesses are hardly ever sure ({100 * confident:.1f} % of the clips)")
    return None


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


class GuessingModule(TermModule):
    """A term that learns from guesses, which therefore tells how they look; a subclass says what it loses.

    Its state is a tally of these guesses. A subclass that has more to do after a step does this as well.
    """

    prior: Tensor | None

    def __init__(self, sure: float = SURE) -> None:
        """Before it has met its material, there is no prior and no drift."""
        super().__init__()
        self.sure = sure
        self.n_labels: float | None = None
        self.classes: tuple[str, ...] = ()
        self.register_buffer("prior", None, persistent=False)
        self.tally = Tally()

    def meet(self, material: Material, streams: tuple[str, ...]) -> None:
        prior = material.prior()
        self.n_labels, self.classes = float(prior.sum()), material.classes
        self.prior = prior
        self.tally = Tally(len(material.classes))

    def tell(self, look: Look, streams: tuple[str, ...], guesses: Float[Tensor, "batch classes"]) -> None:
        """Make what the log has of this forward."""
        self.signs = signs_of(guesses, self.prior, self.sure)
        if self.prior is not None:
            told = counted(guesses)
            self.signs["unguessed"] = unguessed(self.tally.moved(told), self.prior)
            self.note(look, streams, told, under=_TALLY)

    def after_step(self, network: Network, place: Place) -> None:
        for (told,) in self.noted(_TALLY):
            self.tally.take(told)

    def fault(self, signs: Mapping[str, float]) -> Fault | None:
        counts, prior = self.tally.counts, self.prior
        if prior is None or not float(counts[-1]):  # nothing was guessed yet
            return fault_of(signs, self.n_labels)
        most = furthest(counts[:-1], prior, self.classes)
        return fault_of(signs, self.n_labels, most, least_guessed(counts, prior, self.classes))
