"""How loud a clip is where it is loudest."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def loudest_db(
    waves: Float[Tensor, "batch samples"], lengths: Int[Tensor, " batch"], n_window: int, floor_db: float = -80.0
) -> Float[Tensor, " batch"]:
    """The largest mean square of any window, in decibels of full scale.

    Windows lie wholly inside the signal and half a window apart; a clip shorter than a window is one window.

    Args:
        n_window: samples of a window, an even number from 2.
        floor_db: what silence and everything below counts as.

    >>> loudest_db(torch.tensor([[0.1, 0.1, 1.0, 1.0], [0.1, 0.0, 0.0, 0.0]]), torch.tensor([4, 1]), 2).tolist()
    [0.0, -20.0]
    """
    hop = n_window // 2
    whole = torch.linalg.vector_norm(waves, dim=-1).square() / lengths
    if waves.shape[-1] < 2 * hop:
        square = whole
    else:
        energy = torch.linalg.vector_norm(waves.unfold(-1, hop, hop), dim=-1).square()
        squares = (energy[:, :-1] + energy[:, 1:]) / (2 * hop)
        inside = (torch.arange(squares.shape[1], device=waves.device) + 2) * hop <= lengths[:, None]
        square = torch.where(lengths < 2 * hop, whole, squares.masked_fill(~inside, 0.0).amax(dim=1))
    return (10.0 * torch.log10(square.clamp(min=1e-30))).clamp(min=floor_db)
