"""The objective: a named sum of parts, each a term on streams with a weight.

The whole objective is computed in one module's forward, so that distributed training sees one call a step. A part
whose weight is zero is not run at all.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.core.settings import Settings
from earmark.models.network import Network
from earmark.objectives.look import Look
from earmark.objectives.term import Term
from earmark.objectives.terms.supervised import Supervised

NOT_PARTS = ("total", "gradient", "gradient_norm", "epoch", "lr", "seconds", "clips_per_s", "held_out_lwlrap")
"""What stands beside the parts where losses are reported, so that no part may be called so."""


class Part(Settings):
    """One term of the sum."""

    streams: tuple[str, ...] = Field(("curated",), min_length=1)
    """The streams whose clips it looks at."""
    weight: float = Field(1.0, ge=0)
    """How much it counts."""
    ramp_epochs: float = Field(0.0, ge=0)
    """Epochs over which the weight rises linearly from 0."""
    joint: bool = False
    """Whether its streams go through the network together, sharing batch statistics."""
    term: Term = Supervised()
    """What is computed."""

    def weight_at(self, epoch: float) -> float:
        """The weight at a place in the training."""
        return self.weight * min(1.0, epoch / self.ramp_epochs) if self.ramp_epochs else self.weight


class Losses(NamedTuple):
    """What one step lost."""

    total: Tensor
    """The number that is minimised."""
    parts: Tensor
    """The unweighted mean of each part, [parts]; zero for those not run."""


class Step:
    """What one step works on: an envelope that frameworks hand through unopened."""

    def __init__(self, batches: Mapping[str, Batch], chance: Chance, epoch: float, augment: bool = True) -> None:
        self.batches, self.chance, self.epoch, self.augment = batches, chance, epoch, augment


class Objective(nn.Module):
    """The network, the view and the terms of a training, as one module."""

    def __init__(self, parts: Mapping[str, Part], view: nn.Module, network: Network) -> None:
        super().__init__()
        for name in parts:
            if name in NOT_PARTS:
                raise SettingsError(
                    f"a part of the objective cannot be called '{name}', which means something else in the log; "
                    f"call it '{name}_part', for example"
                )
        self.parts = dict(parts)
        self.view = view
        self.network = network
        self.terms = nn.ModuleList(part.term.build(network) for part in parts.values())

    def forward(self, step: Step) -> Losses:
        """The losses of one step."""
        look = Look(self.view, self.network, step.batches, step.chance, step.epoch, step.augment)
        means: list[Tensor | None] = []
        total: Tensor | None = None
        for part, term in zip(self.parts.values(), self.terms, strict=True):
            weight = part.weight_at(step.epoch)
            if weight == 0:
                means.append(None)
                continue
            mean = self._mean(part, term, look)
            means.append(mean.detach())
            total = weight * mean if total is None else total + weight * mean
        if total is None:  # every weight is zero at the start of a ramp: a step that changes nothing
            total = 0.0 * sum(p.sum() for p in self.network.parameters())  # type: ignore[assignment]
        assert total is not None
        return Losses(total, torch.stack([total.new_zeros(()) if mean is None else mean for mean in means]))

    def _mean(self, part: Part, term: nn.Module, look: Look) -> Tensor:
        groups = [part.streams] if part.joint else [(stream,) for stream in part.streams]
        lost = torch.cat([term(look, group) for group in groups])
        weights = torch.cat([look.seen(group).weights for group in groups])
        mean: Tensor = (lost * weights).sum() / weights.sum().clamp(min=1e-8)
        return mean

    def after_step(self) -> None:
        """Let the terms change their own state."""
        for term in self.terms:
            term.after_step(self.network)  # type: ignore[operator]
