"""What is measured in an epoch without waiting for the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from earmark.core.errors import Diverged

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Gauge:
    """Sums of losses and gradient norms that stay on the device, and the first step that was not finite."""

    def __init__(self, names: list[str], device: torch.device) -> None:
        """Start at nothing.

        Args:
            names: the parts of the objective.
        """
        self.names = names
        self.n = self.n_norms = 0
        self.sums = torch.zeros(len(names) + 1, device=device)
        self.norms = torch.zeros((), device=device)
        self.first_bad = torch.full((len(names) + 2,), -1, dtype=torch.int64, device=device)
        self.signs: dict[tuple[str, str], Tensor] = {}
        self.n_signs: dict[tuple[str, str], int] = {}

    @torch.no_grad()
    def lost(self, step: int, total: Tensor, parts: Tensor) -> None:
        """Take in the losses of one batch: the weighted total, and the parts, [parts]."""
        values = torch.cat([parts, total.detach()[None]])
        self.sums += values
        self.n += 1
        self._watch(step, values, slice(0, -1))

    @torch.no_grad()
    def told(self, signs: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take in what terms tell of one batch: of each part, numbers by name."""
        for key, value in {(part, name): value for part, told in signs.items() for name, value in told.items()}.items():
            self.signs[key] = self.signs[key] + value if key in self.signs else value.detach().clone()
            self.n_signs[key] = self.n_signs.get(key, 0) + 1

    @torch.no_grad()
    def steepness(self, step: int, norm: Tensor) -> None:
        """Take in the norm of one gradient."""
        self.norms += norm
        self.n_norms += 1
        self._watch(step, norm[None], slice(-1, None))

    def _watch(self, step: int, values: Tensor, where: slice) -> None:
        fresh = ~torch.isfinite(values) & (self.first_bad[where] < 0)
        self.first_bad[where] = torch.where(fresh, step, self.first_bad[where])

    def check(self) -> None:
        """Read what was found.

        Raises:
            Diverged: something was not finite, with the first step and its term.
        """
        bad = self.first_bad.tolist()
        found = [(step, name) for step, name in zip(bad, [*self.names, "total", "gradient"], strict=True) if step >= 0]
        if found:
            step, name = min(found, key=lambda each: each[0])
            raise Diverged(
                f"'{name}' was no longer finite at step {step}; lower the learning rate, clip the gradient "
                "(training.clip_norm) or train in float32 (training.precision)",
                step,
                name,
            )

    def losses(self, fabric: Fabric) -> dict[str, float]:
        """Means over the batches of all processes, by part, and their ``total``."""
        means = self.sums / max(1, self.n)
        # Over all processes, so that they know the same, and a schedule that reads it tells them the same.
        means = cast("Tensor", fabric.all_reduce(means, reduce_op="mean"))
        return dict(zip([*self.names, "total"], means.tolist(), strict=True))

    def means_told(self, fabric: Fabric) -> dict[str, dict[str, float]]:
        """Means of what terms told, over the batches of all processes, by part and name."""
        if not self.signs:
            return {}
        means = torch.stack([value / self.n_signs[key] for key, value in self.signs.items()])
        means = cast("Tensor", fabric.all_reduce(means, reduce_op="mean"))
        found: dict[str, dict[str, float]] = {}
        for (part, name), mean in zip(self.signs, means.tolist(), strict=True):
            found.setdefault(part, {})[name] = mean
        return found

    def mean_norm(self) -> float:
        """Mean norm of the gradients."""
        return float(self.norms / max(1, self.n_norms))
