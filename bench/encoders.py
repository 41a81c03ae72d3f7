"""Every encoder, in training and in use: bfloat16 and channels-last against plain float32, all else the same.

Clips are 2 s of noise, as log-mel spectrograms of 64 bands (128 where an encoder wants them) at 127 frames a second, or
as waves at 44.1 kHz. A step of training is forwards, binary cross-entropy, backwards and Adam, with one linear layer on
the mean of the maps as head. Every encoder has the size it has by default, which is the published one; where two clips
of that are too much for a processor, the notes say what stands for it. Batches are as large as makes a step about as
much work for every net, from 2 to 16 clips, and on a GPU, where there is one, from 8 to 128. Multiply-adds are for a
second of audio of such a clip; `earmark show encoder.KIND` has them for longer ones.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from bench.row import Row, take_turns
from bench.sounds import N_CLASSES
from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.models.counting import multiply_adds
from earmark.models.encoders.encoder import Encoder
from earmark.models.heads.pooled import Pooled
from earmark.models.network import ModelSettings, Network, n_parameters
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.mel import Mel
from earmark.training.devices import precision_named

CLIP_S = 2.0
HEAD = Pooled(time="mean", bands="mean", hidden=(), dropout=())
N_BANDS = {"hugging_face": 128}
"""Of those that do not take 64."""
SMALLER: dict[str, dict[str, Any]] = {
    "hugging_face": {
        "config": {
            "hidden_size": 192,
            "num_hidden_layers": 6,
            "num_attention_heads": 3,
            "intermediate_size": 768,
            "max_length": 256,
        }
    },
}
"""What stands for the published size where that is too slow."""


class Place(NamedTuple):
    """A device, and how much it is to do at a time."""

    device: torch.device
    multiply_adds_a_step: float
    least: int
    """Clips in a batch; a net of which even these are too much is replaced or left out."""
    most: int


PROCESSOR = Place(torch.device("cpu"), 80e9, 2, 16)
GPU = Place(torch.device("cuda"), 10e12, 8, 128)


class Candidate(NamedTuple):
    """An encoder, for input of one spec, and what is said of it."""

    encoder: Encoder
    spec: Spec
    n_frames: int
    n_clips: int
    note: str


def measure(quick: bool = False) -> list[Row]:
    """Two rows an encoder and device: training, and use."""
    rows: list[Row] = []
    left_out = []
    for place in [PROCESSOR] + [GPU] * torch.cuda.is_available():
        for kind in list(Encoder.members())[:: 5 if quick else 1]:
            try:
                rows += _rows(candidate(kind, place, quick), place.device, 1 if quick else 3)
            except SettingsError as error:
                left_out.append(f"{kind} on {place.device.type} ({error})")
    if left_out:
        rows[-1] = rows[-1]._replace(note=f"{rows[-1].note}; left out: {'; '.join(left_out)}")
    return rows


def candidate(kind: str, place: Place, quick: bool = False) -> Candidate:
    """An encoder of this kind that is not too much for the place.

    Raises:
        SettingsError: there is none, or it cannot be built here.
    """
    member, wave = Encoder.named(kind), Spec("wave", 44100.0)
    spec = wave if member.takes == "wave" else LogMel(mel=Mel(n_mels=N_BANDS.get(kind, 64))).after(wave)
    too_much = ""
    for settings in ({}, SMALLER[kind]) if kind in SMALLER else ({},):
        encoder = read(member, settings, what=f"encoder.{kind}")
        n = max(round((0.5 if quick else CLIP_S) * spec.rate_hz), encoder.shortest(spec))
        a_clip = multiply_adds(encoder, spec, n)
        fit = int(place.multiply_adds_a_step / (3 * a_clip))  # twice as much backwards as forwards
        if fit >= place.least:
            with torch.device("meta"):
                size = n_parameters(encoder.build(spec)) / 1e6
            note = f"{size:.2f} M parameters, {a_clip * spec.rate_hz / n / 1e6:,.0f} M multiply-adds"
            if too_much:
                note += f"; smaller than published ({settings}), as that has {too_much} multiply-adds a clip"
            return Candidate(encoder, spec, n, place.least if quick else min(fit, place.most), note)
        too_much = f"{a_clip / 1e9:,.0f} G"
    raise SettingsError(f"a clip is {too_much} multiply-adds, and there is no smaller size of '{kind}' here")


def _rows(one: Candidate, device: torch.device, n_turns: int) -> Iterator[Row]:
    precision = precision_named("auto", device)
    torch.manual_seed(0)
    plain = ModelSettings(encoder=one.encoder, heads={"main": HEAD}).build(one.spec, N_CLASSES).to(device)
    fast = copy.deepcopy(plain).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch = noise(one, device)
    where = " on the GPU" if device.type == "cuda" else ""
    names = (f"{precision}, channels-last", "float32, NCHW", "clips a second")
    for what, way in (("training", training), ("in use", use)):
        ways = [way(fast, batch, precision), way(plain, batch, "float32")]
        ours, theirs = take_turns(ways, n_turns, one.n_clips)
        note = f"{one.note}; {one.n_clips} clips"
        yield Row.of(f"{one.encoder.kind}, {what}{where}: {names[0]}", *names[1:], ours, theirs, note)


def training(network: Network, batch: Batch, precision: str) -> Callable[[], object]:
    """A step of training, each time it is called."""
    optimizer = torch.optim.Adam(network.parameters())

    def step() -> None:
        network.train()
        with _arithmetic(batch.values.device, precision):
            logits = network(batch)
        loss = F.binary_cross_entropy_with_logits(logits, batch.targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        _finish(batch.values.device)

    return step


def use(network: Network, batch: Batch, precision: str) -> Callable[[], object]:
    """The scores of a batch, each time it is called."""

    def score() -> None:
        network.eval()
        with torch.inference_mode(), _arithmetic(batch.values.device, precision):
            network(batch)
        _finish(batch.values.device)

    return score


def noise(one: Candidate, device: torch.device) -> Batch:
    """A batch for this candidate."""
    n, spec = one.n_clips, one.spec
    shape = (n, one.n_frames) if spec.domain == "wave" else (n, spec.n_channels, spec.n_bands, one.n_frames)
    chance = torch.Generator().manual_seed(0)
    return Batch(
        values=torch.randn(shape, generator=chance).to(device),
        lengths=torch.full((n,), one.n_frames, device=device),
        targets=(torch.rand(n, N_CLASSES, generator=chance) < 0.02).float().to(device),
        known=torch.ones(n, N_CLASSES, dtype=torch.bool, device=device),
        weights=torch.ones(n, device=device),
        origins=torch.zeros(n, dtype=torch.int64, device=device),
        ids=tuple(map(str, range(n))),
        rate_hz=spec.rate_hz,
        domain=spec.domain,
        padded=False,
    )


def _arithmetic(device: torch.device, precision: str) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
