"""Decibels and logarithms, against librosa and a clip at a time."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from earmark.dsp.level import log_offset, power_to_db

POWER = torch.rand(3, 1, 8, 20, generator=torch.Generator().manual_seed(3)) ** 20 * torch.tensor([1e-3, 1.0, 1e5]).view(
    3, 1, 1, 1
)


@pytest.mark.parametrize("top_db", [80.0, 20.0, None])
@pytest.mark.parametrize("reference", [1.0, 0.02, "peak"])
@pytest.mark.parametrize("amin", [1e-10, 1e-3])
def test_decibels_are_those_of_librosa_for_each_clip_alone(amin, reference, top_db):
    ours = power_to_db(POWER, amin, top_db, reference)
    for power, level in zip(POWER.numpy(), ours, strict=True):
        ref = np.max if reference == "peak" else reference
        np.testing.assert_allclose(level, librosa.power_to_db(power, ref=ref, amin=amin, top_db=top_db), atol=1e-4)


def test_silence_is_finite():
    silence = torch.zeros(2, 1, 4, 4)
    assert torch.equal(power_to_db(silence), torch.full_like(silence, -100.0))
    assert torch.equal(power_to_db(silence, reference="peak"), silence)
    assert bool(log_offset(silence, 1e-4).isfinite().all())


def test_zero_padding_changes_no_value():
    padded = torch.nn.functional.pad(POWER, (0, 7))
    torch.testing.assert_close(power_to_db(padded)[..., :20], power_to_db(POWER), rtol=0, atol=0)
