"""Sounds that front ends are tried on, and what comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.signal.step import FrontEnd, Spec

RECORDINGS = ["00c4e82c.wav", "54fe9d83.wav", "a439d172.wav", "Click-04.wav"]
"""An engine, water, a cello, and a click of 13 ms."""


def clip(wave: np.ndarray, rate: int) -> Batch:
    return waves(torch.from_numpy(wave)[None], torch.tensor([len(wave)]), rate, ("clip",), 1)


def recording(shared_data: Path, name: str, seconds: float = 4.0) -> tuple[np.ndarray, int]:
    wave, rate = soundfile.read(shared_data / "fixtures" / name, dtype="float32", always_2d=True)
    return wave[: int(seconds * rate)].mean(axis=1), rate


def tone(hz: float, rate: int, n: int, level: float = 0.5) -> np.ndarray:
    return (level * np.cos(2 * np.pi * hz / rate * np.arange(n))).astype(np.float32)


def both_ways(step: FrontEnd, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """What becomes of a padded batch when a gradient is kept, which takes all clips at once as an accelerator does, and
    when none is."""
    values = torch.randn(len(lengths), max(lengths), generator=torch.Generator().manual_seed(0))
    values *= torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    batch = waves(values, torch.tensor(lengths), 44100.0, tuple(map(str, lengths)), 1)
    module = step.build(Spec("wave", 44100.0))
    kept = module(batch.changed(values=values.clone().requires_grad_())).values
    assert kept.requires_grad
    return kept.detach(), module(batch).values


def seen(step: FrontEnd, wave: np.ndarray, rate: int) -> np.ndarray:
    """What the front end makes of one clip: [bands, frames]."""
    return step.build(Spec("wave", rate))(clip(wave, rate)).values[0, 0].numpy()
