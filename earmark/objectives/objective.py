"""The objective: a named sum of parts, each a term on streams with a weight.

The whole objective is computed in one module's forward, so that distributed training sees one call a step. A part
whose weight is set to zero is left out: it is not run, meets nothing, changes nothing and reads no file.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.core.settings import Settings
from earmark.models.network import Network
from earmark.objectives.look import Look
from earmark.objectives.material import Material
from earmark.objectives.term import Term, TermModule
from earmark.objectives.terms.supervised import Supervised
from earmark.schedules.schedule import Place

NOT_PARTS = (
    *("total", "gradient", "gradient_norm", "epoch", "lr", "seconds", "clips_per_s"),
    *("held_out_lwlrap", "put_aside_lwlrap", "signs", "warnings"),
)
"""What stands beside the parts where losses are reported, so that no part may be called so."""


class Part(Settings):
    """One term of the sum."""

    streams: tuple[str, ...] = Field(("curated",), min_length=1)
    """The streams whose clips it looks at."""
    weight: float = Field(1.0, ge=0)
    """How much it counts; 0 leaves it out altogether: it is not run, changes nothing and reads no file."""
    ramp_epochs: float = Field(0.0, ge=0)
    """Epochs over which the weight rises linearly from 0."""
    joint: bool = False
    """Whether its streams go through the network together, sharing batch statistics. Terms that need several streams
    get them together in any case."""
    term: Term = Supervised()
    """What is computed."""

    @field_validator("streams")
    @classmethod
    def _each_once(cls, streams: tuple[str, ...]) -> tuple[str, ...]:
        twice = [name for place, name in enumerate(streams) if name in streams[:place]]
        if twice:
            raise ValueError(f"stream '{twice[0]}' is named twice; name each stream once")
        return streams

    @property
    def left_out(self) -> bool:
        """Whether it does nothing at all. One whose weight still ramps up does: its state follows the training."""
        return self.weight == 0

    def files(self, fold: int | None) -> tuple[Path, ...]:
        """Files that it reads, which therefore belong to what a run is."""
        return () if self.left_out else self.term.files(fold)

    def weight_at(self, epoch: float) -> float:
        """The weight at a place in the training."""
        return self.weight * min(1.0, epoch / self.ramp_epochs) if self.ramp_epochs else self.weight


class Losses(NamedTuple):
    """What one step lost."""

    total: Tensor
    """The number that is minimised."""
    parts: Tensor
    """The unweighted mean of each part, [parts]; zero for those not run."""
    signs: dict[str, dict[str, Tensor]]
    """What terms tell of themselves: of each part that does, numbers by name."""


class Step:
    """What one step works on: an envelope that frameworks hand through unopened."""

    def __init__(self, batches: Mapping[str, Batch], chance: Chance, epoch: float, augment: bool = True) -> None:
        self.batches, self.chance, self.epoch, self.augment = batches, chance, epoch, augment


class Objective(nn.Module):
    """The network, the view and the terms of a training, as one module."""

    def __init__(
        self,
        parts: Mapping[str, Part],
        view: nn.Module,
        network: Network,
        statistics_from: Sequence[str] | None = None,
    ) -> None:
        """Put a training's parts together.

        Args:
            statistics_from: streams whose clips move the running statistics of batch norm; none: all of them do.
        """
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
        self.statistics_from = statistics_from
        self.terms = nn.ModuleList(part.term.build(network) for part in parts.values())

    def forward(self, step: Step) -> Losses:
        """The losses of one step."""
        look = Look(self.view, self.network, step.batches, step.chance, step.epoch, step.augment, self.statistics_from)
        means: list[Tensor | None] = []
        signs: dict[str, dict[str, Tensor]] = {}
        total: Tensor | None = None
        for (name, part), term in zip(self.parts.items(), self._terms(), strict=True):
            weight = part.weight_at(step.epoch)
            if weight == 0:
                means.append(None)
                continue
            mean, told = self._mean(part, term, look)
            signs |= {name: told} if told else {}
            means.append(mean.detach())
            total = weight * mean if total is None else total + weight * mean
        if total is None:  # every weight is zero at the start of a ramp: a step that changes nothing
            total = 0.0 * sum(p.sum() for p in self.network.parameters())  # type: ignore[assignment]
        assert total is not None
        return Losses(total, torch.stack([total.new_zeros(()) if mean is None else mean for mean in means]), signs)

    def _mean(self, part: Part, term: TermModule, look: Look) -> tuple[Tensor, dict[str, Tensor]]:
        at_once = part.joint or part.term.least_streams > 1
        groups = [part.streams] if at_once else [(stream,) for stream in part.streams]
        lost, told = [], []
        for group in groups:
            lost.append(term(look, group))
            told.append(term.signs)
        weights = torch.cat([term.weights(look, group) for group in groups])
        mean: Tensor = (torch.cat(lost) * weights).sum() / weights.sum().clamp(min=1e-8)
        return mean, {name: torch.stack([each[name] for each in told]).mean() for name in told[0]}

    def _terms(self) -> tuple[TermModule, ...]:
        return tuple(cast("TermModule", term) for term in self.terms)

    def _at_work(self) -> Iterator[tuple[str, Part, TermModule]]:
        """The parts that are not left out, by name."""
        for (name, part), term in zip(self.parts.items(), self._terms(), strict=True):
            if not part.left_out:
                yield name, part, term

    def meet(self, material: Material) -> None:
        """Let the terms learn what the training is about, before its first step.

        Raises:
            SettingsError, DataError: one of them cannot work on it.
        """
        for name, part, term in self._at_work():
            for loss in part.term.losses:
                try:
                    loss.check(len(material.classes))
                except SettingsError as error:
                    raise SettingsError(f"objective.{name}: {error}") from None
            term.meet(material, part.streams)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the log and the report should have of the terms, in sentences."""
        return tuple(note for term in self._terms() for note in term.notes)

    def warnings(self, history: Sequence[Mapping[str, Any]]) -> list[str]:
        """What has just gone wrong with the guesses of a term, in sentences.

        Each fault is named when it appears. Nothing is said of the first epoch, in which nets know little.

        Args:
            history: a row for each epoch that is over, with ``epoch`` and ``signs``.
        """
        said = []
        for name, term in zip(self.parts, self._terms(), strict=True):
            told = [(row["epoch"], row.get("signs", {}).get(name)) for row in history[-2:]]
            faults = [term.fault(signs) if signs and epoch > 1 else None for epoch, signs in told]
            now = faults.pop() if faults else None
            if now and all(fault is None or fault.name != now.name for fault in faults):
                said.append(f"part '{name}' is in trouble: {now.clause}")
        return said

    def after_step(self, place: Place) -> None:
        """Let the terms change their own state.

        Args:
            place: where the training is now.
        """
        for _, _, term in self._at_work():
            term.after_step(self.network, place)
