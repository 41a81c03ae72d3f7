"""The gradient of one step, as often as its optimizer asks for it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from earmark.models.statistics import statistics_held
from earmark.objectives.objective import Step
from earmark.training.gauge import Gauge

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Gradients:
    """Gradients of the objective on the batches of one step.

    Every pass sees the same batches, the same draws and the same dropout. Only the first one, at the weights that the
    training has arrived at, moves batch-norm statistics and tells its losses.
    """

    def __init__(
        self,
        fabric: Fabric,
        module: Any,
        optimizer: Any,
        clip_norm: float | None,
        gauge: Gauge,
        steps: list[Step],
        number: int,
    ) -> None:
        """Get ready for a step.

        Args:
            module, optimizer: as the fabric has set them up.
            clip_norm: largest norm of the gradient.
            steps: the batches to sum over.
            number: of the step, from 1, to name it where something is not finite.
        """
        self.fabric, self.module, self.optimizer, self.gauge = fabric, module, optimizer, gauge
        self.limit = float("inf") if clip_norm is None else clip_norm
        self.steps, self.number = steps, number
        self.n_passes = 0

    def __call__(self) -> Tensor:
        """Work out the gradient at the weights as they are; its norm before clipping."""
        self.optimizer.zero_grad(set_to_none=True)
        with statistics_held(self.module) if self.n_passes else nullcontext():
            for place, step in enumerate(self.steps, start=1):
                self._backward(step, last=place == len(self.steps))
        norm = self.fabric.clip_gradients(self.module, self.optimizer, max_norm=self.limit, error_if_nonfinite=False)
        assert norm is not None  # clipping by norm gives it
        self.gauge.steepness(self.number, norm)
        self.n_passes += 1
        return norm

    def _backward(self, step: Step, *, last: bool) -> None:
        torch.manual_seed(step.chance.at("dropout").number())  # dropout and its kin: the same after a resume
        with self.fabric.no_backward_sync(self.module, enabled=not last):
            losses = self.module(step)
            self.fabric.backward(losses.total / len(self.steps))
        if not self.n_passes:
            self.gauge.lost(self.number, losses.total, losses.parts)
            self.gauge.told(losses.signs)
