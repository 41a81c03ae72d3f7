"""Signal and padding along the last axis, which is time in samples or frames.

``lengths`` counts what is signal; behind it lies padding, which is zero wherever values cross a border.
"""

from __future__ import annotations

from jaxtyping import Bool, Float, Int
from torch import Tensor

from earmark.core.batch import signal_mask


def signal_of(
    values: Float[Tensor, "batch ... time"], lengths: Int[Tensor, " batch"]
) -> Bool[Tensor, "batch ... time"]:
    """True where there is signal, in a shape that broadcasts against the values.

    >>> import torch
    >>> signal_of(torch.zeros(2, 1, 5, 3), torch.tensor([1, 3])).shape
    torch.Size([2, 1, 1, 3])
    """
    mask = signal_mask(lengths, values.shape[-1])
    return mask.view(mask.shape[0], *[1] * (values.ndim - 2), mask.shape[1])


def padding_zeroed(
    values: Float[Tensor, "batch ... time"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch ... time"]:
    """The values with everything behind each clip's length set to exactly zero, even what is not finite.

    >>> import torch
    >>> padding_zeroed(torch.full((2, 3), 7.0), torch.tensor([1, 3])).tolist()
    [[7.0, 0.0, 0.0], [7.0, 7.0, 7.0]]
    """
    return values.masked_fill(~signal_of(values, lengths), 0.0)
