"""The direction in which a clip is heard differently soonest should not matter."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from earmark.core.batch import Batch, signal_mask
from earmark.core.chance import Chance
from earmark.dsp.hashed import normal, uniform
from earmark.models.dropout import drawn_by
from earmark.models.network import Network
from earmark.models.statistics import statistics_held
from earmark.objectives.apart import without_gradient
from earmark.objectives.look import Look
from earmark.objectives.signs import GuessingModule
from earmark.objectives.term import Term


class VAT(Term, kind="vat"):
    """Virtual adversarial training (T. Miyato et al., 2018), for several labels a clip: the student should say the same
    of a clip after a small step in the direction that changes its answer most. Labels are not asked for.

    The direction is found by power iteration: a gradient of the divergence at a probing step. Every forward has the
    batch's own statistics and leaves the running ones alone, and all have the same dropout, so that the answer
    changes by the step and nothing else. The signs in the log are of what the student says before the step: an answer
    that is the same for all clips cannot be changed, and loses nothing.

    Steps are counted in what the view gives. One of size 1 that is ``relative`` is as large, in all values of a clip
    together, as the clip's values are spread: each value moves by about their standard deviation. An
    ``absolute`` step is as long as it says, whatever the scale and the size of the input; the reference code for images
    (lyakaap's, which a blog on Freesound Audio Tagging 2019 uses) has 10 and 1 so.
    """

    step: float = Field(0.1, gt=0)
    """Length of the step whose consequences are lost (the ε of the paper)."""
    probe: float = Field(0.1, gt=0)
    """Length of the step at which the gradient is taken (ξ). Arithmetic in bfloat16 hears nothing below about 0.01."""
    scale: Literal["relative", "absolute"] = "relative"
    """Whether lengths are relative to the values of the clip."""
    n_iterations: Annotated[int, Field(ge=0)] = 1
    """Power iterations; 0 takes the direction as drawn, which is plain noise of the same size."""
    start: Literal["normal", "uniform"] = "normal"
    """The law of the first direction: normal values, all directions alike; or uniform ones, as the reference code."""
    divergence: Literal["kl", "bce"] = "kl"
    """What a changed answer costs: the divergence of yes and no in each class, 0 for no change; or cross-entropy, which
    has the same gradient and is larger by the entropy of the first answer."""
    over_classes: Literal["mean", "sum"] = "mean"
    """The mean over the classes, or the sum."""
    head: str = Field("main", min_length=1)
    """The head that answers."""

    def build(self, network: Network) -> "VATModule":
        return VATModule(self)


class VATModule(GuessingModule):
    """The term itself; it has no state but the tally of its guesses."""

    def __init__(self, settings: VAT) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings, seen = self.settings, look.seen(streams)
        chance = look.chance.at("vat", streams=" ".join(streams))
        with statistics_held(look.network):
            with without_gradient():
                said = self._answer(look.network, seen, chance)
            self.tell(look, streams, said.sigmoid())
            reach = self._reach(seen)
            direction = _unit(self._first(seen, chance) * _signal(seen))
            for _ in range(settings.n_iterations):
                direction = self._steeper(look.network, seen, said, direction, reach * settings.probe, chance)
            moved = seen.changed(values=seen.values + direction * (reach * settings.step))
            return self._divergence(self._answer(look.network, moved, chance), said)

    def _answer(self, network: Network, seen: Batch, chance: Chance) -> Tensor:
        with drawn_by(chance, seen.values.device):
            logits: Tensor = network(seen, self.settings.head)
            return logits

    def _steeper(
        self, network: Network, seen: Batch, said: Tensor, direction: Tensor, reach: Tensor, chance: Chance
    ) -> Tensor:
        """The direction of the gradient at a probing step; gradients that others have gathered stay as they are."""
        with torch.enable_grad():
            direction = direction.detach().requires_grad_()
            moved = seen.changed(values=seen.values + direction * reach)
            changed = self._divergence(self._answer(network, moved, chance), said).sum()
            (gradient,) = torch.autograd.grad(changed, direction)
        return _unit(gradient.detach() * _signal(seen))

    def _divergence(self, logits: Tensor, said: Tensor) -> Tensor:
        guessed = said.sigmoid()
        lost = F.binary_cross_entropy_with_logits(logits, guessed, reduction="none")
        if self.settings.divergence == "kl":
            lost = lost - F.binary_cross_entropy_with_logits(said, guessed, reduction="none")
        return lost.mean(dim=1) if self.settings.over_classes == "mean" else lost.sum(dim=1)

    def _first(self, seen: Batch, chance: Chance) -> Tensor:
        """A direction for each clip, drawn on the device from two seeds for each, in the shape of the values."""
        drawn = torch.randint(-(1 << 31), 1 << 31, (len(seen), 2), generator=chance.at("start").torch())
        seeds = drawn.to(torch.int32).to(seen.values.device, non_blocking=True)
        n = seen.values[0].numel()
        numbers = normal(seeds, n) if self.settings.start == "normal" else uniform(seeds, n) - 0.5
        return numbers.view_as(seen.values)

    def _reach(self, seen: Batch) -> Tensor:
        """The length of a step of size 1 for each clip, in the shape of the values."""
        shape = (-1, *[1] * (seen.values.ndim - 1))
        if self.settings.scale == "absolute":
            return torch.ones_like(seen.weights).view(shape)
        values, mask = seen.values.detach().float(), _signal(seen).expand_as(seen.values)
        n = mask.flatten(1).sum(dim=1).clamp(min=1)
        mean = (values * mask).flatten(1).sum(dim=1) / n
        spread = ((values - mean.view(shape)) * mask).flatten(1).square().sum(dim=1)
        return spread.sqrt().view(shape)  # which is their standard deviation times the root of how many there are


def _signal(seen: Batch) -> Tensor:
    """1 where there is signal and 0 in the padding, to be multiplied with the values."""
    n = seen.values.shape[-1]
    mask = signal_mask(seen.lengths, n).to(torch.float32)
    return mask.view(len(seen), *[1] * (seen.values.ndim - 2), n)


def _unit(values: Tensor) -> Tensor:
    """Each clip's values with a sum of squares of 1; all zeros stay so."""
    values = values.float()
    values = values / values.flatten(1).abs().amax(dim=1).clamp(min=1e-30).view(-1, *[1] * (values.ndim - 1))
    length = values.flatten(1).square().sum(dim=1).sqrt().clamp(min=1e-12)
    return values / length.view(-1, *[1] * (values.ndim - 1))
