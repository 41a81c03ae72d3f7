"""What the student has said of each clip so far: a running average for each clip, kept as state.

Nets learn what is right before they learn by heart what is wrong, so the average of what they said of a clip is often
better than its label (S. Liu et al., 2020; H. Song et al., 2019).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class Memory(nn.Module):
    """Running averages of probabilities, one row a clip.

    Where several processes train, each hears what the others' clips were, so that all remember the same.
    """

    average: Tensor
    n_seen: Tensor

    def __init__(self, decay: float, n_clips: int = 0, n_classes: int = 0) -> None:
        """Remember nothing yet.

        Args:
            decay: how much of the former average stays at each visit; the first visit is taken as it is.
        """
        super().__init__()
        self.decay = decay
        # One row more than clips: the last stands for clips that are none of these, and stays empty.
        self.register_buffer("average", torch.zeros(n_clips + 1, n_classes))
        self.register_buffer("n_seen", torch.zeros(n_clips + 1, dtype=torch.int64))

    def recall(self, rows: Int[Tensor, " batch"]) -> tuple[Float[Tensor, "batch classes"], Bool[Tensor, " batch"]]:
        """What is known of these clips, and whether anything is; a row of -1 stands for a clip that is none of them."""
        return self.average[rows], self.n_seen[rows] > 0

    def moved(self, rows: Int[Tensor, " batch"], said: Float[Tensor, "batch classes"]) -> Tensor:
        """What the averages of these clips would be with this."""
        share = torch.where(self.n_seen[rows] > 0, 1 - self.decay, 1.0)
        return torch.lerp(self.average[rows], said.float(), share[:, None])

    @torch.no_grad()
    def take(self, rows: Int[Tensor, " batch"], said: Float[Tensor, "batch classes"]) -> None:
        """Take in what was said of these clips; of one that comes several times the mean."""
        rows, said = of_all_processes(rows), of_all_processes(said.float())
        alike = (rows[:, None] == rows[None]).float()
        said = alike @ said / alike.sum(dim=1, keepdim=True)
        averages, counts = self.moved(rows, said), self.n_seen[rows] + 1
        where = torch.where(rows >= 0, rows, len(self.n_seen) - 1)
        # Whoever comes several times is written several times, with the same values.
        self.average.index_copy_(0, where, averages)
        self.n_seen.index_copy_(0, where, counts)
        self.average[-1] = 0
        self.n_seen[-1] = 0


def of_all_processes(values: Tensor) -> Tensor:
    """The rows of all processes, in the order of these; where there is one, its own."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return values
    found = [torch.empty_like(values) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(found, values.contiguous())
    return torch.cat(found)
