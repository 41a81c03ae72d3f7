"""Guesses and labels, mixed."""

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch, together
from earmark.core.chance import Chance
from earmark.losses.bce import BCE
from earmark.losses.mse import MSE
from earmark.models.network import Network
from earmark.objectives.apart import guess
from earmark.objectives.look import Look
from earmark.objectives.sharpening.logit_temperature import LogitTemperature
from earmark.objectives.sharpening.sharpening import Sharpening
from earmark.objectives.signs import GuessingModule
from earmark.objectives.soft import SoftLoss
from earmark.objectives.term import Term
from earmark.signal.augment.mixing.labels import labels_of
from earmark.signal.augment.mixing.shares.beta import Beta


class MixMatch(Term, kind="mixmatch"):
    """MixMatch (D. Berthelot et al., 2019) for several labels a clip.

    The first stream is labelled; of the others the labels are not looked at. Each of their clips is guessed from
    several views, the mean of the guesses is sharpened, and then everything is mixed with everything: labelled clips
    with guessed ones and the other way round, each keeping the larger share of itself. Steps of the view that mix clips
    are left out, for this term mixes by itself.

    What is lost is the mean over the labelled clips of ``loss`` and, with a weight, the mean over the others of
    ``guessed_loss``.

    Legacy: a blog on Freesound Audio Tagging 2019, which could not make it work, sharpens by ``{kind: sigmoid_twice}``
    and guesses as in use. The one public system that did (viig99's) has ``{kind: around}`` and a weight of 2.
    """

    least_streams = 2

    n_views: int = Field(2, ge=1)
    """Views that each clip is guessed from; all of them are learnt."""
    sharpening: Sharpening = LogitTemperature()
    """What is made of the mean guess."""
    alpha: float = Field(0.75, gt=0)
    """Shares are drawn from Beta(alpha, alpha); the larger one is that of the clip itself."""
    guessed_weight: float = Field(2.0, ge=0)
    """How much the guessed clips count beside the labelled ones."""
    ramp_epochs: float = Field(0.0, ge=0)
    """Epochs over which that weight rises linearly from 0."""
    loss: SoftLoss = BCE()
    """For labelled clips."""
    guessed_loss: SoftLoss = MSE()
    """For the others."""
    at_once: bool = True
    """Whether all mixtures go through the network together and share batch statistics, or labelled clips and each view
    of the others by themselves. If ``training.statistics_from`` names any stream whose clips go through together, all
    of them move the running statistics; if it names none of these, they stay as they are."""
    in_use: bool = True
    """Whether guesses are made as in use, without dropout and by running statistics, or as in training."""
    head: str = Field("main", min_length=1)
    """The head that answers."""

    def build(self, network: Network) -> "MixMatchModule":
        return MixMatchModule(self)


class MixMatchModule(GuessingModule):
    """The term itself; it has no state but the tally of its guesses."""

    def __init__(self, settings: MixMatch) -> None:
        super().__init__()
        self.settings = settings

    def weights(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        return look.seen(streams, how="unmixed").weights

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings, chance = self.settings, look.chance.at("mixmatch")
        labelled, others = look.seen(streams[:1], how="unmixed"), streams[1:]
        views = [look.seen(others, number, "unmixed") for number in range(settings.n_views)]
        guesses = settings.sharpening(self._guess(look, views, chance))
        self.tell(look, streams, guesses)
        all_known = torch.ones_like(guesses, dtype=torch.bool)
        parts = [labelled, *(seen.changed(targets=guesses, known=all_known) for seen in views)]
        sizes = [len(part) for part in parts]
        mixed = self._mixed(together(parts), chance)
        logits = self._answers(look, mixed, streams, sizes)
        targets, known = torch.split(mixed.targets, sizes), torch.split(mixed.known, sizes)
        lost = [
            (settings.guessed_loss if place else settings.loss)(*each)
            for place, each in enumerate(zip(logits, targets, known, strict=True))
        ]
        return self._balanced(lost[0], torch.stack(lost[1:]).mean(dim=0), labelled, views[0], look.epoch)

    def _guess(self, look: Look, views: list[Batch], chance: Chance) -> Tensor:
        head, use = self.settings.head, self.settings.in_use
        guesses = [
            guess(look.network, seen, chance.at("guess", view=number), head, use=use).sigmoid()
            for number, seen in enumerate(views)
        ]
        return torch.stack(guesses).mean(dim=0)

    def _mixed(self, batch: Batch, chance: Chance) -> Batch:
        """Each clip with another of the batch, labelled or not, and the larger share its own."""
        n, device = len(batch), batch.values.device
        generator = chance.at("mix").torch()
        partner = torch.randperm(n, generator=generator).to(device, non_blocking=True)
        share = Beta(alpha=self.settings.alpha, larger=True).draw(n, generator).to(device, non_blocking=True)
        names = ("values", "lengths", "targets", "known", "weights")
        mate = batch.changed(**{name: getattr(batch, name).index_select(0, partner) for name in names})
        along = share.to(batch.values.dtype).view(n, *[1] * (batch.values.ndim - 1))
        return batch.changed(
            values=torch.lerp(mate.values, batch.values, along),
            lengths=torch.maximum(batch.lengths, mate.lengths),
            **labels_of(batch, mate, "linear", share),
        )

    def _answers(self, look: Look, mixed: Batch, streams: tuple[str, ...], sizes: list[int]) -> tuple[Tensor, ...]:
        """The logits for the labelled clips and for each view of the others."""
        if self.settings.at_once:
            return torch.split(self._answer(look, mixed, streams), sizes)
        values, lengths = torch.split(mixed.values, sizes), torch.split(mixed.lengths, sizes)
        parts = [mixed.changed(values=each, lengths=long) for each, long in zip(values, lengths, strict=True)]
        return tuple(
            self._answer(look, part, streams[1:] if place else streams[:1]) for place, part in enumerate(parts)
        )

    def _answer(self, look: Look, mixed: Batch, streams: tuple[str, ...]) -> Tensor:
        """Each mixture counts as a clip of the stream that has the larger share in it."""
        with look.statistics_of(streams):
            logits: Tensor = look.network(mixed, self.settings.head)
            return logits

    def _balanced(self, given: Tensor, guessed: Tensor, labelled: Batch, other: Batch, epoch: float) -> Tensor:
        """What each clip loses, such that the mean over all of them is the sum of the two means."""
        ramp = self.settings.ramp_epochs
        weight = self.settings.guessed_weight * (min(1.0, epoch / ramp) if ramp else 1.0)
        one, two = labelled.weights.sum(), other.weights.sum()
        both = one + two
        return torch.cat([given * (both / one.clamp(min=1e-8)), guessed * (weight * both / two.clamp(min=1e-8))])
