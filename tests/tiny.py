"""The smallest world in which everything runs: noise in memory instead of a store, few bands, a net of two blocks.

Tests import from here; what only one folder needs lies in that folder's ``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from earmark.core.batch import Batch, signal_mask
from earmark.core.chance import Chance
from earmark.core.manifest import ORIGINS
from earmark.core.spec import Spec
from earmark.data.clips import Clips
from earmark.data.crops import Crop
from earmark.data.streams import Stream, StreamSettings
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.mean_max import MeanMax
from earmark.models.network import ModelSettings
from earmark.objectives.objective import Objective, Part
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.mel import Mel
from earmark.signal.view import ViewModule, build_view

RATE_HZ = 8000
VIEW = (LogMel(mel=Mel(n_fft=256, hop_samples=80, n_mels=16, fmin_hz=50)),)
MODEL = ModelSettings(encoder=SkipCNN(widths=(4, 6)), heads={"main": MeanMax(hidden=8)})
PLAIN = ModelSettings(encoder=SkipCNN(widths=(4, 6)), heads={"main": MeanMax(hidden=8, dropout=0, hidden_dropout=0)})
"""Without dropout, so that one forward is like another."""
N_CLASSES = 3


class Memory:
    """What streams and predictions ask of a packed store, over arrays in memory."""

    folder = Path("memory")
    rate_hz = RATE_HZ

    def __init__(self, waves: Mapping[str, np.ndarray]) -> None:
        self.waves = dict(waves)

    def __contains__(self, file: object) -> bool:
        return file in self.waves

    def n_samples(self, file: str) -> int:
        return len(self.waves[file])

    def read(self, file: str, start_sample: int = 0, n_samples: int | None = None) -> np.ndarray:
        wave = self.waves[file][start_sample:]
        wave = wave if n_samples is None else wave[:n_samples]
        return np.pad(wave, (0, (n_samples or len(wave)) - len(wave)))


def tones(lengths: Sequence[int], seed: int = 0) -> dict[str, np.ndarray]:
    """Noisy tones, ``clip 0`` to ``clip n``; the pitch of each is that of its class, the number modulo three."""
    rng = np.random.default_rng(seed)
    made = {}
    for i, n in enumerate(lengths):
        tone = np.sin(2 * np.pi * (300, 900, 2700)[i % N_CLASSES] * np.arange(n) / RATE_HZ)
        made[f"clip {i}"] = (0.3 * tone + 0.05 * rng.standard_normal(n)).astype(np.float32)
    return made


def clips_of(lengths: Sequence[int], origins: Sequence[int] | None = None, seed: int = 0) -> Clips:
    """Clips of `tones`, each labelled with its one class; origins by index, all curated unless given."""
    waves = tones(lengths, seed)
    n = len(lengths)
    return Clips(
        store=Memory(waves),  # type: ignore[arg-type]
        ids=tuple(waves),
        files=tuple(waves),
        starts=np.zeros(n, np.int64),
        n_samples=np.array(lengths, np.int64),
        targets=np.eye(N_CLASSES, dtype=np.float32)[np.arange(n) % N_CLASSES],
        known=np.ones((n, N_CLASSES), np.bool_),
        origins=np.array(origins if origins is not None else [0] * n, np.int64),
        missing=(),
    )


def stream_of(lengths: Sequence[int] = (4000,) * 24, *, batch_size: int = 4, seed: int = 0, **rest: Any) -> Stream:
    """A stream of half a second of each of the `clips_of` these lengths."""
    settings = StreamSettings(batch_size=batch_size, crop=Crop(length_s=0.5), **rest)
    return Stream("curated", settings, clips_of(lengths, seed=seed), Chance(seed))


def view_and_network(model: ModelSettings = MODEL, seed: int = 0) -> tuple[ViewModule, Any]:
    """The tiny view, and a net on it with the same weights each time."""
    view = build_view(VIEW, Spec("wave", RATE_HZ))
    torch.manual_seed(seed)
    return view, model.build(view.spec, N_CLASSES)


def objective_of(parts: Mapping[str, Part] | None = None, model: ModelSettings = MODEL, seed: int = 0) -> Objective:
    """An objective over the tiny net; supervised on the curated stream unless told otherwise."""
    return Objective({"labels": Part()} if parts is None else parts, *view_and_network(model, seed))


def features(spec: Spec, lengths: Sequence[int], seed: int = 0) -> Batch:
    """Random values for this spec, as long as the longest, zero in the padding."""
    n, time = len(lengths), max(lengths)
    chance = torch.Generator().manual_seed(seed)
    shape = (n, time) if spec.domain == "wave" else (n, spec.n_channels, spec.n_bands, time)
    found = torch.tensor(lengths)
    mask = signal_mask(found, time).view(n, *[1] * (len(shape) - 2), time)
    return Batch(
        values=torch.randn(shape, generator=chance) * mask,
        lengths=found,
        targets=torch.randint(0, 2, (n, N_CLASSES), generator=chance).float(),
        known=torch.ones(n, N_CLASSES, dtype=torch.bool),
        weights=torch.ones(n),
        origins=torch.zeros(n, dtype=torch.int64),
        ids=tuple(f"clip {i}" for i in range(n)),
        rate_hz=spec.rate_hz,
        domain=spec.domain,
        padded=min(lengths) < time,
    )


def alone(batch: Batch, row: int) -> Batch:
    """One clip of a batch without its padding."""
    n = int(batch.lengths[row])
    names = ("lengths", "targets", "known", "weights", "origins")
    rows = {name: getattr(batch, name)[row : row + 1] for name in names}
    return batch.changed(
        **rows, values=batch.values[row : row + 1, ..., :n].contiguous(), ids=batch.ids[row : row + 1], padded=False
    )


def stirred(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in evaluation, with batch statistics and biases as a training might leave them, not as they start."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for each in module.modules():
            if isinstance(each, nn.modules.batchnorm._BatchNorm):
                each.running_mean.normal_(generator=chance)
                each.running_var.uniform_(0.5, 2.0, generator=chance)
                each.bias.normal_(generator=chance)
            elif isinstance(each, nn.Conv2d | nn.Conv1d | nn.Linear) and each.bias is not None:
                each.bias.normal_(generator=chance)
    return module.eval()


def same_tensors(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    """Whether two states agree to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


assert ORIGINS[0] == "curated"
