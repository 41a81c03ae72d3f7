"""All that a training knows at a moment, as one value that can be saved and put back.

The state is tensors by name and plain facts: nothing in it can run. Putting it back gives every tensor the memory
layout of the one it replaces, so that a resumed training takes the same kernels and ends bit for bit the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from earmark.objectives.objective import Objective
from earmark.runs.checkpoints import must_fit, put_back
from earmark.schedules.schedule import Place
from earmark.training.averages.average import Average
from earmark.training.averages.averaged import Averaged
from earmark.training.optimizers.optimizer import Optimizer


class Learner:
    """An objective, its optimizer, the average of its weights, and how far they are."""

    def __init__(self, objective: Objective, optimizer: Optimizer, average: Average | None) -> None:
        """Start from the objective as it is.

        Args:
            average: of the network over the steps, or none.
        """
        self.objective = objective
        self.base_lr = optimizer.top_lr
        self.optimizer = optimizer.build(p for p in objective.parameters() if p.requires_grad)
        self.average = None if average is None else Averaged(objective.network, average)
        self.epoch = 0
        self.step = 0

    def to(self, device: torch.device) -> None:
        """Bring the network, the average and what the optimizer remembers to a device."""
        self.objective.to(device)
        if self.average is not None:
            self.average.state = {name: value.to(device) for name, value in self.average.state.items()}
        self.optimizer.load_state_dict(self.optimizer.state_dict())  # this puts its state where the parameters are

    def after_step(self, place: Place) -> None:
        """Count a step of the optimizer, and let follow what follows the weights.

        Args:
            place: where the training is now.
        """
        self.step += 1
        self.objective.after_step(place)
        if self.average is not None:
            self.average.update(self.objective.network, place)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors by name, and facts."""
        tensors = {f"objective/{name}": value for name, value in self.objective.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average/{name}": value for name, value in self.average.state.items()}
        inner = self.optimizer.state_dict()
        numbers: dict[str, dict[str, float]] = {}
        for index, entries in inner["state"].items():
            for key, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer/{index}/{key}"] = value
                else:
                    numbers.setdefault(str(index), {})[key] = value
        facts = {
            "epoch": self.epoch,
            "step": self.step,
            "averaged": 0 if self.average is None else self.average.n_taken,
            "optimizer": {"numbers": numbers, "groups": inner["param_groups"]},
        }
        return tensors, facts

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Put back what `state` gave.

        Raises:
            RunError: the tensors are of another network.
        """
        put_back(self.objective, _under("objective/", tensors))
        if self.average is not None:
            averaged = _under("average/", tensors)
            must_fit(self.average.state, averaged)
            self.average.state = {name: _like(own, averaged[name]) for name, own in self.average.state.items()}
            self.average.n_taken = facts["averaged"]
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        state: dict[int, dict[str, Any]] = {int(i): dict(n) for i, n in facts["optimizer"]["numbers"].items()}
        for name, value in _under("optimizer/", tensors).items():
            index, _, key = name.partition("/")
            parameter = parameters[int(index)]
            fits = value.shape == parameter.shape
            state.setdefault(int(index), {})[key] = _like(parameter, value) if fits else value.clone()
        self.optimizer.load_state_dict({"state": state, "param_groups": facts["optimizer"]["groups"]})
        for place, entries in state.items():
            own = self.optimizer.state[parameters[place]]
            for key, value in entries.items():
                if isinstance(value, Tensor) and value.shape == parameters[place].shape:
                    own[key] = _like(parameters[place], value)  # load_state_dict may lose the memory layout
                elif isinstance(value, Tensor) and key != "step":
                    own[key] = value  # numbers that torch keeps off the device, where load_state_dict brings them
        self.epoch, self.step = facts["epoch"], facts["step"]

    def network_state(self) -> dict[str, Tensor]:
        """The network's tensors: averaged where there is an average that has begun."""
        begun = self.average is not None and self.average.n_taken > 0
        return dict(self.average.state if self.average and begun else self.objective.network.state_dict())


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _like(example: Tensor, value: Tensor) -> Tensor:
    """The value with the device and memory layout of another tensor of its shape."""
    return torch.empty_like(example, dtype=value.dtype).copy_(value)
