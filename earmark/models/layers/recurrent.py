"""GRUs and LSTMs that hear each clip of a padded batch up to its own end, in both directions.

Values are [batch, time, channels]. Nothing is packed: packing needs the lengths on the host, and a batch would wait
for the device. Forwards, what comes behind a clip's end cannot change what came before; backwards, each clip is turned
round within its own length first, so its padding stays behind it.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from earmark.models.layers.masks import Lengths

Cell = Literal["gru", "lstm"]


class Recurrent(nn.Module):
    """Layers of GRU or LSTM; with ``both_ways`` each layer hears what both directions of the one before have heard.

    Args:
        n_in: channels that come in.
        units: channels that each direction gives.
        n_layers: how many layers.
        cell: what kind of.
        both_ways: whether a second net runs from the end to the start.
    """

    def __init__(self, n_in: int, units: int, n_layers: int = 1, *, cell: Cell = "gru", both_ways: bool = False):
        super().__init__()
        kind, n_ways = {"gru": nn.GRU, "lstm": nn.LSTM}[cell], 2 if both_ways else 1
        self.n_out = n_ways * units
        self.layers = nn.ModuleList(
            nn.ModuleList(kind(n_in if i == 0 else self.n_out, units, batch_first=True) for _ in range(n_ways))
            for i in range(n_layers)
        )

    def forward(
        self, values: Float[Tensor, "batch time n_in"], lengths: Lengths
    ) -> tuple[Float[Tensor, "batch time n_out"], Float[Tensor, "batch n_out"]]:
        """What was heard at each frame, and the last state of each direction; zero where a clip has no frame."""
        last: list[Tensor] = []
        for layer in self.layers:
            heard, last = [], []
            for way, net in enumerate(layer.children()):
                states = net(turned(values, lengths) if way else values)[0]
                last.append(_at_the_end(states, lengths))
                heard.append(turned(states, lengths) if way else states)
            values = torch.cat(heard, dim=2)
        return values, torch.cat(last, dim=1)


def turned(values: Float[Tensor, "batch time channels"], lengths: Lengths) -> Float[Tensor, "batch time channels"]:
    """Each clip from its end to its start; padding stays where it is.

    >>> turned(torch.tensor([[[1], [2], [0]], [[3], [4], [5]]]), torch.tensor([2, 3]))[..., 0].tolist()
    [[2, 1, 0], [5, 4, 3]]
    """
    if lengths is None:
        return values.flip(1)
    frames = torch.arange(values.shape[1], device=values.device)
    mirrored = lengths[:, None] - 1 - frames
    index = torch.where(mirrored < 0, frames, mirrored)
    return values.gather(1, index[:, :, None].expand_as(values))


def _at_the_end(values: Tensor, lengths: Lengths) -> Tensor:
    if lengths is None:
        return values[:, -1]
    index = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, values.shape[2])
    return values.gather(1, index)[:, 0].masked_fill((lengths < 1)[:, None], 0.0)
