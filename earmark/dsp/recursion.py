"""First-order recursions along time, as a few matrix products.

A loop over frames costs a call for each frame, many times over when a gradient is wanted. Within a block of frames the
recursion is a product with a triangular matrix; what one block hands to the next is the same recursion again, over the
ends of the blocks.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_BLOCK = 32


def running_sum(
    values: Float[Tensor, "... time"], keep: float, before: Float[Tensor, "... 1"]
) -> Float[Tensor, "... time"]:
    """``y[t] = keep * y[t - 1] + x[t]``, for any number of frames.

    Args:
        values: x.
        keep: how much of the sum is left after a frame, 0 to 1.
        before: y before the first frame, in a shape that broadcasts against the values.

    >>> running_sum(torch.tensor([1.0, 0.0, 4.0]), 0.5, torch.zeros(1)).tolist()
    [1.0, 0.5, 4.25]
    """
    n = values.shape[-1]
    size = min(n, _BLOCK)
    age = torch.arange(size + 1, device=values.device)
    # 0 to the power of 0 is 1 here too, and what is left of a large power is nothing.
    left = torch.exp(age.to(values.dtype) * math.log(max(keep, 1e-30)))
    mixing = left[(age[:size] - age[:size, None]).clamp(min=0)].triu()
    if n <= _BLOCK:
        return values @ mixing + before * left[1:]
    n_blocks = -(-n // _BLOCK)
    blocks = functional.pad(values, (0, n_blocks * _BLOCK - n)).reshape(*values.shape[:-1], n_blocks, _BLOCK)
    sums = blocks @ mixing
    ends = running_sum(sums[..., -1], keep**_BLOCK, before)
    carried = torch.cat([before.expand_as(ends[..., :1]), ends[..., :-1]], dim=-1)
    whole: Tensor = sums + carried[..., None] * left[1:]
    return whole.flatten(-2)[..., :n]
