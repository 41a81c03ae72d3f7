"""Gates: a net looks at all of a clip and turns channels or places up and down; padding is not looked at."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.models.layers.convolution import ActivationName, activation
from earmark.models.layers.masks import Lengths, signal_max, signal_mean


class SqueezeExcite(nn.Module):
    """Each channel is scaled by what the means of all channels say (J. Hu, L. Shen, G. Sun, 2018).

    Args:
        n_channels: of the maps.
        n_hidden: units between the means and the scales.
        act: their activation.
        hard: whether the gate is the piecewise linear sigmoid of small nets.
    """

    def __init__(self, n_channels: int, n_hidden: int, *, act: ActivationName = "relu", hard: bool = False) -> None:
        super().__init__()
        self.squeeze = nn.Linear(n_channels, n_hidden)
        self.act = activation(act, n_hidden)
        self.excite = nn.Linear(n_hidden, n_channels)
        self.hard = hard

    def forward(
        self, values: Float[Tensor, "batch channels freq time"], lengths: Lengths
    ) -> Float[Tensor, "batch channels freq time"]:
        """The maps with each channel scaled; zeros stay zero."""
        scales = self.excite(self.act(self.squeeze(signal_mean(values, lengths))))
        gate = F.hardsigmoid(scales) if self.hard else scales.sigmoid()
        return values * gate[:, :, None, None].to(values.dtype)


class ChannelAndPlace(nn.Module):
    """Channels are scaled by what their means and maxima say, then places by what all channels say there.

    The convolutional block attention module of S. Woo, J. Park, J.-Y. Lee and I. S. Kweon (2018).

    Args:
        n_channels: of the maps.
        ratio: channels for one hidden unit of the first gate.
        kernel: side of the square that the second gate looks at, odd.
    """

    def __init__(self, n_channels: int, ratio: int, kernel: int) -> None:
        super().__init__()
        n_hidden = max(1, n_channels // ratio)
        self.channels = nn.Sequential(
            nn.Linear(n_channels, n_hidden, bias=False), nn.ReLU(), nn.Linear(n_hidden, n_channels, bias=False)
        )
        self.places = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(
        self, values: Float[Tensor, "batch channels freq time"], lengths: Lengths
    ) -> Float[Tensor, "batch channels freq time"]:
        """The maps, scaled twice; padding that is zero stays so and is not looked at."""
        scales = self.channels(signal_mean(values, lengths)) + self.channels(signal_max(values, lengths))
        values = values * scales.sigmoid()[:, :, None, None].to(values.dtype)
        seen = torch.cat([values.mean(dim=1, keepdim=True), values.amax(dim=1, keepdim=True)], dim=1)
        places: Tensor = self.places(seen)
        return values * places.sigmoid().to(values.dtype)
