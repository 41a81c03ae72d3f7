"""The head of nets that listen to the end: a GRU or LSTM over time, its last state, then fully connected layers."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.models.encoders.encoder import Encoded, EncoderModule, Shape
from earmark.models.heads.head import HeadModule
from earmark.models.heads.layered import Layered
from earmark.models.layers.recurrent import Cell, Recurrent


class RecurrentHead(Layered, kind="recurrent"):
    """A recurrent net over the frames that are signal, and layers on its state at each clip's own end.

    The defaults are those of J. Ebbers and R. Häb-Umbach (2019): two layers of GRU forwards, 256 units, one hidden
    layer of 256. J. Deng (2019) has the same with ``hidden: [128]``, ``act: prelu``, ``slopes: one``, ``norm: after``,
    ``input_dropout: 0.2``, ``dropout: 0.1``, and an LSTM in an older net. With ``taps: true``, ``bands: mean``,
    ``layer_norm: true``, ``units: 128``, ``layers: 1``, ``both_ways: true``, ``input_norm: true``, ``hidden: same``,
    ``act: prelu`` and ``norm: before`` it is the recurrent aggregation of ex4sperans (2019), where a net of its own
    listens to each tap.
    """

    bands: Literal["flat", "mean", "max"] = "flat"
    """What a frame is: all rows of all channels, channel by channel, or the mean or maximum over the rows."""
    layer_norm: bool = False
    """Whether each frame is normalised by itself first."""
    cell: Cell = "gru"
    """What the net is made of."""
    units: int = Field(256, ge=1)
    """Channels that each direction of the net gives."""
    layers: int = Field(2, ge=1)
    """How many layers it has."""
    both_ways: bool = False
    """Whether it runs from the end to the start too; its last state there is the one at the first frame."""
    hidden: tuple[int, ...] | Literal["same"] = (256,)
    """Units of each hidden layer, if any; ``same`` is one layer of as many as come in."""

    def build(self, encoder: EncoderModule, n_classes: int) -> "RecurrentHeadModule":
        return RecurrentHeadModule(self, self.shapes(encoder), n_classes)


class RecurrentHeadModule(HeadModule):
    """The head itself."""

    def __init__(self, settings: RecurrentHead, shapes: tuple[Shape, ...], n_classes: int) -> None:
        super().__init__()
        self.settings = settings
        sizes = [shape.n_channels * (shape.n_bands if settings.bands == "flat" else 1) for shape in shapes]
        self.norms = nn.ModuleList(nn.LayerNorm(n) if settings.layer_norm else nn.Identity() for n in sizes)
        self.nets = nn.ModuleList(
            Recurrent(n, settings.units, settings.layers, cell=settings.cell, both_ways=settings.both_ways)
            for n in sizes
        )
        n_heard = len(shapes) * settings.units * (2 if settings.both_ways else 1)
        self.layers = settings.perceptron(n_heard, n_classes)

    def forward(self, encoded: Encoded) -> Tensor:
        last = [
            net(norm(self._frames(part.maps)), part.lengths)[1]
            for part, norm, net in zip(self.settings.parts(encoded), self.norms, self.nets, strict=True)
        ]
        logits: Tensor = self.layers(torch.cat(last, dim=1).float())
        return logits

    def _frames(self, maps: Tensor) -> Tensor:
        """[batch, time, channels] of maps."""
        if self.settings.bands == "flat":
            maps = maps.flatten(1, 2)
        else:
            maps = maps.mean(dim=2, dtype=torch.float32) if self.settings.bands == "mean" else maps.amax(dim=2)
        return maps.transpose(1, 2)
