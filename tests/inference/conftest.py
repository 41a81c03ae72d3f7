"""What the tests of inference share: a tiny tagger that has seen a little, and files it can hear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from earmark.data.crops import Crop
from earmark.data.pack_settings import PackSettings
from earmark.inference.settings import InferenceSettings, TaggerSettings
from earmark.inference.tagger import Tagger
from tests.tiny import MODEL, RATE_HZ, VIEW, stirred, tones

MakeTagger = Callable[..., Tagger]


@pytest.fixture
def tagger_of() -> MakeTagger:
    """Makes a tagger of three classes with windows of one second; crops of a quarter of a second, repeated."""

    def make(*, crop: Crop | None = None, seed: int = 0, **inference: Any) -> Tagger:
        settings = TaggerSettings(
            classes=("low", "middle", "high"),
            pack=PackSettings(rate_hz=RATE_HZ),
            view=VIEW,
            model=MODEL,
            crop=crop or Crop(length_s=0.25),
            inference=InferenceSettings(**{"window_s": 1.0, **inference}),
            run="tiny",
        )
        torch.manual_seed(seed)
        tagger = Tagger.build(settings)
        stirred(tagger.network, seed)
        return tagger

    return make


@pytest.fixture
def wav_files(tmp_path: Path) -> Callable[..., list[Path]]:
    """Writes 16-bit files of `tones` of these lengths at the tagger's rate."""

    def write(*lengths: int) -> list[Path]:
        found = []
        for name, wave in tones(lengths).items():
            found.append(tmp_path / f"{name}.wav")
            soundfile.write(found[-1], np.round(wave * 32768).astype(np.int16), RATE_HZ, subtype="PCM_16")
        return found

    return write
