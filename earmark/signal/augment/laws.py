"""What augmentations draw: hits, Beta numbers, partners, seeds. Each takes a CPU generator and gives one row a clip."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from scipy.special import betaincinv
from torch import Tensor


def hits(p: float, n: int, chance: torch.Generator) -> Bool[Tensor, " n"]:
    """True with chance ``p``: never at 0, always at 1."""
    return torch.rand(n, generator=chance) < p


def uniform(low: float, high: float, n: int, chance: torch.Generator) -> Float[Tensor, " n"]:
    """Numbers between low and high, all as likely."""
    return low + (high - low) * torch.rand(n, generator=chance)


def beta(alpha: float, n: int, chance: torch.Generator) -> Float[Tensor, " n"]:
    """Numbers in [0, 1] by the symmetric Beta law: even at alpha 1, near the ends below it, near 1/2 above it.

    One uniform number each goes through the inverse of the distribution function, so no draw is ever rejected and
    the rows do not depend on one another; torch's own Beta takes no generator.
    """
    even = torch.rand(n, generator=chance, dtype=torch.float64)
    return torch.from_numpy(betaincinv(alpha, alpha, even.numpy())).to(torch.float32)


def partners(n: int, chance: torch.Generator) -> Int[Tensor, " n"]:
    """For each clip another one of the batch (itself only if it is alone); nobody is partner of two.

    The clips are put into a ring in random order, and each takes the next.
    """
    order = torch.randperm(n, generator=chance)
    partner = torch.empty_like(order)
    partner[order] = order.roll(-1)
    return partner


def seeds(n: int, chance: torch.Generator) -> Int[Tensor, "n 2"]:
    """What `earmark.dsp.hashed` makes numbers of: two whole numbers of 32 bits for each clip."""
    return torch.randint(-(1 << 31), 1 << 31, (n, 2), generator=chance).to(torch.int32)
