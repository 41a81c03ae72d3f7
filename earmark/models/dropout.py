"""Dropout and its kin, drawn from named chance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from earmark.core.chance import Chance


@contextmanager
def drawn_by(chance: Chance, device: torch.device) -> Iterator[None]:
    """Dropout and its kin fall as this chance has it, the same each time, and afterwards as if nothing had been."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(chance.at("dropout").number())
        yield
