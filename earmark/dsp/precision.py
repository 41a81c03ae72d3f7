"""Full precision, whatever is around."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def in_full(device: torch.device) -> AbstractContextManager[object]:
    """Within this, products and convolutions on the device stay in float32 inside autocast too.

    >>> with torch.autocast("cpu", torch.bfloat16), in_full(torch.device("cpu")):
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    known = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if known else nullcontext()
