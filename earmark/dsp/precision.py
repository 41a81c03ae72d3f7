"""Arithmetic: full precision whatever is around, and what a device can do in half."""

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


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16, rather than an emulation that is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def precision_named(asked: str, device: torch.device) -> str:
    """The arithmetic that was asked for, with ``auto`` resolved to ``float32`` or ``bfloat16``."""
    if asked == "auto":
        return "bfloat16" if has_bfloat16(device) else "float32"
    return asked
