"""Random numbers without a generator: each is a pure function of the seed of its clip and of its index.

Long noise need not be drawn on the CPU and carried over: a clip is given a seed of two whole numbers, and the device
works out the numbers where they are needed, all at once. The same seed gives the same numbers in a batch of any size
and for any length, and on every device: uniform ones bit for bit, normal ones up to the rounding of a function.

Seeds are int32 [batch, 2], uniform over all whole numbers of 32 bits. A number's index and its seed go twice through a
mixer that maps 32 bits one to one and lets every bit of its input change about half of its output (the two constants
are C. Wellons' "lowbias32", 2018). Good for noise, not for secrets; seeds with the same second
word, which random ones have once in 2^32 pairs, have the same numbers at other indices.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from earmark.core.errors import SettingsError


def uniform(seeds: Int32[Tensor, "batch 2"], n: int) -> Float[Tensor, "batch n"]:
    """The first ``n`` numbers of each seed, uniform in [0, 1), in steps of 2^-24.

    Raises:
        SettingsError: more numbers are wanted than there are indices.
    """
    if n > 1 << 31:
        raise SettingsError(f"a seed has 2^31 numbers, {n} are wanted; give each clip more than one seed")
    numbers = torch.arange(n, dtype=torch.int32, device=seeds.device) + seeds[:, :1]
    numbers = _mix(_mix(numbers).bitwise_xor_(seeds[:, 1:]))
    # A shift keeps the sign, so what it moves in at the top is taken away again.
    return (numbers.bitwise_right_shift_(8).bitwise_and_(0xFFFFFF)).to(torch.float32).mul_(2.0**-24)


def normal(seeds: Int32[Tensor, "batch 2"], n: int) -> Float[Tensor, "batch n"]:
    """The first ``n`` numbers of each seed by the normal law of mean 0 and variance 1, none beyond 5.5.

    Each uniform number goes through the inverse of the distribution function.

    Raises:
        SettingsError: more numbers are wanted than there are indices.
    """
    # The middles of the 2^24 steps, spread from -1 to 1: all of them are exact, and none is an end.
    even = uniform(seeds, n).mul_(2.0).add_(2.0**-24 - 1.0)
    return even.erfinv_().mul_(math.sqrt(2.0))


def _mix(numbers: Int32[Tensor, "batch n"]) -> Int32[Tensor, "batch n"]:
    """Mixed in place; products that do not fit 32 bits keep their lower ones."""
    numbers ^= (numbers >> 16).bitwise_and_(0xFFFF)
    numbers *= 0x7FEB352D
    numbers ^= (numbers >> 15).bitwise_and_(0x1FFFF)
    numbers *= 0x846CA68B - (1 << 32)
    numbers ^= (numbers >> 16).bitwise_and_(0xFFFF)
    return numbers
