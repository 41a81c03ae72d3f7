"""A small net over all that the members say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.scales import Mixture
from earmark.ensemble.stacking import Standard, features, said

if TYPE_CHECKING:
    from torch import nn

    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Net(Blend, kind="net"):
    """A small net over the log-odds of all members and classes: stacking, after R. Baikulov (2019).

    The input is gated by what it itself says (squeeze and excitation), then two hidden layers with PReLU and dropout
    lead to the classes. Several nets with other random numbers are averaged; that source took three.
    """

    learns = True

    hidden: int = Field(64, ge=1)
    """Width of the second hidden layer; the first is twice as wide."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Chance that a hidden unit is left out in training."""
    beside_mean: bool = True
    """Whether the net adds to the mean of the members' log-odds, starting from nothing, or makes its scores by itself,
    as the source's does; few clips cannot teach it what the mean knows."""
    n_nets: int = Field(3, ge=1)
    """How many nets are averaged."""
    epochs: int = Field(20, ge=1)
    """Passes over the clips; none is stopped early, for there is no clip left to watch."""
    batch_size: int = Field(64, ge=2)
    """Clips in a step."""
    lr: float = Field(1e-3, gt=0)
    """Learning rate, which falls to 0 along a cosine."""
    weight_decay: float = Field(0.03, ge=0)
    """Weight decay of AdamW."""
    seed: int = Field(0, ge=0)
    """Names the random numbers."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        import torch

        assert targets is not None
        classes = tuple(sorted(members.classes))  # so that no random number hangs on the order of columns
        order = [members.classes.index(name) for name in classes]
        values = said(members)[:, :, order]
        table = features(values)
        standard = Standard.of(table)
        labels, known = (torch.from_numpy(part[:, order].astype(np.float32)) for part in targets)
        inputs = torch.from_numpy(standard(table).astype(np.float32))
        beside = torch.from_numpy(self._beside(values).astype(np.float32))
        steps = track(range(self.n_nets * self.epochs), self.n_nets * self.epochs, "train the stacking net")
        nets = self._trained(inputs, beside, labels, known, steps)
        return Nets(classes, self, standard, nets)

    def _beside(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = values.mean(axis=0)
        return mean if self.beside_mean else np.zeros_like(mean)

    def _trained(self, inputs: Any, beside: Any, labels: Any, known: Any, steps: Any) -> tuple["nn.Module", ...]:
        """The nets, one after the other."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        from earmark.core.chance import Chance
        from earmark.ensemble.stacking_net import stacking_net

        nets = []
        optimizer = schedule = net = None
        for number in steps:
            which, epoch = divmod(number, self.epochs)
            chance = Chance(self.seed).at("stacking net", net=which)
            with torch.random.fork_rng(devices=[]):
                if epoch == 0:
                    torch.manual_seed(chance.number())
                    net = stacking_net(inputs.shape[1], labels.shape[1], self.hidden, self.dropout, self.beside_mean)
                    optimizer = torch.optim.AdamW(net.parameters(), lr=self.lr, weight_decay=self.weight_decay)
                    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.epochs)
                    nets.append(net)
                assert net is not None and optimizer is not None and schedule is not None
                torch.manual_seed(chance.at("epoch", number=epoch).number())
                for rows in torch.split(torch.randperm(len(inputs)), self.batch_size):
                    loss = binary_cross_entropy_with_logits(
                        net(inputs[rows]) + beside[rows], labels[rows], known[rows], reduction="sum"
                    ) / max(1.0, float(known[rows].sum()))
                    optimizer.zero_grad()
                    torch.autograd.backward(loss)
                    optimizer.step()
                schedule.step()
        return tuple(each.eval() for each in nets)


@dataclass(frozen=True, eq=False)
class Nets:
    """Trained nets, averaged; their classes are in alphabetical order."""

    classes: tuple[str, ...]
    settings: Net
    standard: Standard
    nets: tuple["nn.Module", ...]

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"n_nets": len(self.nets), "n_parameters": sum(p.numel() for p in self.nets[0].parameters())}

    def __call__(self, members: "Members") -> Mixture:
        import torch

        place = {name: column for column, name in enumerate(members.classes)}
        values = said(members)[:, :, [place[name] for name in self.classes]]
        inputs = torch.from_numpy(self.standard(features(values)).astype(np.float32))
        with torch.inference_mode():
            # The sum is made in float64: what float32 rounds to one number would be a tie.
            made = np.mean([net(inputs).double().numpy() for net in self.nets], axis=0)
        back = [self.classes.index(name) for name in members.classes]
        return Mixture((self.settings._beside(values) + made)[:, back], "logit")
