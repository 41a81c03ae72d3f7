"""Fixed segments: a clip is cut into pieces of one length, the net hears each, and the clip's logits are their mean.

After J. Deng (2019), whose nets are trained and used so: the last segment is filled up with zeros, which the net takes
for signal. In a batch of unequal clips some segments lie wholly in the padding; they have no say in any logit, though
batch norm in training counts them among its batch.

What is encoded still looks like one clip to everybody else: the maps of the segments lie side by side along time. What
was heard of each segment apart is the one tap, for the heads.
"""

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from earmark.core.batch import signal_mask
from earmark.core.settings import Settings
from earmark.models.encoders.encoder import Encoded, EncoderModule
from earmark.models.heads.head import HeadModule
from earmark.models.layers.masks import Lengths


class Segments(Settings):
    """Clips are heard in segments of one length, and the mean of the segments' logits is the clip's."""

    frames: int = Field(128, ge=1)
    """Length of a segment, in frames (or in samples, for nets on waves)."""


def cut(values: Float[Tensor, "batch ... time"], n_frames: int) -> Float[Tensor, "segments ... frames"]:
    """Segments of clips, those of one clip after another; the last of each is filled up with zeros.

    >>> cut(torch.arange(5.0)[None], 3)
    tensor([[0., 1., 2.],
            [3., 4., 0.]])
    """
    n = -(-values.shape[-1] // n_frames)
    whole = torch.nn.functional.pad(values, (0, n * n_frames - values.shape[-1]))
    return whole.reshape(*whole.shape[:-1], n, n_frames).movedim(-2, 1).flatten(0, 1)


def encode_segments(encoder: EncoderModule, values: Tensor, lengths: Lengths, n_frames: int) -> Encoded:
    """What an encoder hears of segments: side by side along time, and apart as the one tap."""
    apart: Encoded = encoder(cut(values, n_frames), None)
    maps = apart.maps.reshape(len(values), -1, *apart.maps.shape[1:]).permute(0, 2, 3, 1, 4).flatten(3)
    if lengths is not None:
        lengths = torch.div(lengths + n_frames - 1, n_frames, rounding_mode="floor") * apart.maps.shape[3]
    return Encoded(maps, lengths, (apart,))


class SegmentMean(HeadModule):
    """A head that hears segments: the mean of their logits."""

    def __init__(self, head: HeadModule) -> None:
        super().__init__()
        self.head = head

    def forward(self, encoded: Encoded) -> Tensor:
        apart = encoded.taps[0]
        each: Tensor = self.head(apart).float()
        each = each.reshape(len(encoded.maps), -1, each.shape[1])
        if encoded.lengths is None:
            return each.mean(dim=1)
        counts = torch.div(encoded.lengths, apart.maps.shape[3], rounding_mode="floor").clamp(min=1)
        own = signal_mask(counts, each.shape[1])[:, :, None]
        return each.masked_fill(~own, 0.0).sum(dim=1) / counts[:, None]
