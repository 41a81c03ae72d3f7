"""What an augmentation does to a clip: sounds and a picture of before and after, to be heard and looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.core.batch import Batch, waves
from earmark.core.chance import Chance
from earmark.core.errors import DataError, SettingsError
from earmark.core.files import write_atomically
from earmark.core.spec import Spec
from earmark.data.decoding import decode, probe
from earmark.dsp.griffin_lim import griffin_lim, unfolded
from earmark.dsp.level import power_to_db
from earmark.dsp.stft import window
from earmark.reports.before_after import MelPicture, before_after
from earmark.signal.frontends.decibel import Decibel
from earmark.signal.frontends.mel import Mel
from earmark.signal.step import Augment, Draw, FrontEnd
from earmark.signal.view import build_view, check

LONGEST_S = 30.0
"""No more than this of a clip is used."""


class Audition(NamedTuple):
    """What was written, and what was drawn and done in words."""

    files: tuple[Path, ...]
    lines: tuple[str, ...]


def audition(step: Augment, clips: Sequence[Path], out: Path, seed: int = 1) -> Audition:
    """Change the first clip by an augmentation and write ``before.wav``, ``after.wav`` and ``spectrograms.png``.

    An augmentation of waves is heard as it is. One of spectrograms is applied to mel bands; both sounds are then made
    of these bands again, so that they differ by the augmentation only and not by what is lost on the way back.

    Args:
        step: the augmentation.
        clips: the clip, and those that it may be mixed with, which take its sampling rate.
        out: the folder to write to.
        seed: names the draw.

    Raises:
        SettingsError: the augmentation fits neither waves nor spectrograms, or mixes and has nothing to mix.
        DataError: a clip cannot be used.
    """
    rate_hz = probe(clips[0]).rate_hz
    batch = _batch(clips, rate_hz)
    ground = _ground(step, rate_hz)
    seen = build_view(ground, Spec("wave", rate_hz))(batch)
    draw = step.draw(seen, Chance(seed).at("audition").torch())
    if len(batch) == 1 and step.mixes:
        raise SettingsError(f"{step.kind} mixes clips, but got one; give another with a second --clip")
    changed = step.apply(seen, draw)
    sounds = [_heard(each, ground, rate_hz, len(batch.values[0])) for each in (seen, changed)]
    out.mkdir(parents=True, exist_ok=True)
    files = (out / "before.wav", out / "after.wav", out / "spectrograms.png")
    _write_sounds(files[:2], sounds, rate_hz)
    before, after = (
        MelPicture(_levels(each, sound, rate_hz), len(sound) / rate_hz)
        for each, sound in zip((seen, changed), sounds, strict=True)
    )
    figure = before_after(before, after, rate_hz, clips[0].name, f"after {step.kind}")
    write_atomically(files[2], lambda part: figure.savefig(part, format="png"))
    return Audition(files, tuple(_told(step, ground, draw, changed)))


def _batch(clips: Sequence[Path], rate_hz: int) -> Batch:
    """The clips as one batch in which each has a class of its own."""
    found = [torch.from_numpy(decode(clip, rate_hz, end_s=LONGEST_S)) for clip in clips]
    for clip, wave in zip(clips, found, strict=True):
        if not len(wave):
            raise DataError(f"{clip} holds no samples; give a clip with some sound", clip)
    lengths = torch.tensor([len(wave) for wave in found])
    values = torch.nn.utils.rnn.pad_sequence(found, batch_first=True)
    batch = waves(values, lengths, rate_hz, tuple(clip.name for clip in clips), len(clips))
    return batch.changed(targets=torch.eye(len(clips)), known=torch.ones(len(clips), len(clips), dtype=torch.bool))


def _mel(rate_hz: float, **settings: Any) -> Mel:
    """About 46 ms and 128 bands, fewer where the FFT has no bins for them."""
    n_fft = max(64, 2 ** round(np.log2(0.046 * rate_hz)))
    return Mel(n_fft=n_fft, hop_samples=n_fft // 4, n_mels=min(128, n_fft // 8), fmin_hz=0.0, **settings)


def _ground(step: Augment, rate_hz: float) -> tuple[FrontEnd, ...]:
    """The front ends that make what the step takes: none for waves."""
    mel = _mel(rate_hz)
    grounds: list[tuple[FrontEnd, ...]] = [(), (mel,), (_mel(rate_hz, spectrum="magnitude"),), (mel, Decibel())]
    refusals = []
    for ground in grounds:
        try:
            check((*ground, step), Spec("wave", rate_hz))
            return ground
        except SettingsError as error:
            refusals.append(str(error))
    raise SettingsError(next((each for each in refusals if "comes in" not in each), refusals[-1]))


def _heard(batch: Batch, ground: tuple[FrontEnd, ...], rate_hz: float, n_samples: int) -> Tensor:
    """The first clip as a wave [samples]."""
    length = int(batch.lengths[0])
    if batch.domain == "wave":
        return batch.values[0, :length]
    mel = ground[0]
    assert isinstance(mel, Mel)
    bands = _power(batch)[:1, 0, :, :length]
    spectrum = unfolded(bands, mel.filters(rate_hz)).sqrt()
    # One sample more would be one frame more.
    n_samples = min(n_samples, length * mel.hop_samples - 1)
    return griffin_lim(spectrum, window("hann", mel.n_fft), mel.hop_samples, n_samples)[0]


def _power(batch: Batch) -> Tensor:
    if batch.domain == "features":
        return 10.0 ** (batch.values / 10.0)
    return batch.values.clamp(min=0.0) if batch.domain == "power" else batch.values.square()


def _levels(batch: Batch, sound: Tensor, rate_hz: int) -> NDArray[np.float32]:
    """What the picture shows, in dB: the bands that were changed, or those of the wave."""
    if batch.domain == "wave":
        one = waves(sound[None], torch.tensor([len(sound)]), rate_hz, ("clip",), 1)
        batch = build_view((_mel(rate_hz),), Spec("wave", rate_hz))(one)
    levels: NDArray[np.float32] = power_to_db(_power(batch)[:1, 0, :, : int(batch.lengths[0])], top_db=None)[0].numpy()
    return levels


def _write_sounds(files: Sequence[Path], sounds: Sequence[Tensor], rate_hz: int) -> None:
    """Both at the same scale: as they are, or quieter where one of them is beyond full scale."""
    peak = max(1.0, *(float(sound.abs().max()) for sound in sounds))
    for file, sound in zip(files, sounds, strict=True):
        write = partial(soundfile.write, data=(sound / peak).numpy(), samplerate=rate_hz, format="WAV")
        write_atomically(file, write)


def _told(step: Augment, ground: tuple[FrontEnd, ...], draw: Draw, changed: Batch) -> Iterator[str]:
    where = "the wave" if not ground else f"mel bands ({changed.domain})"
    yield f"{step.kind} of {where}; drawn for this clip:"
    yield from _drawn(draw)
    shares = {
        name: round(float(value), 3) for name, value in zip(changed.ids, changed.targets[0], strict=True) if value
    }
    if len(changed) > 1 and step.mixes:
        yield "  labels: " + ", ".join(f"{name} {share:g}" for name, share in shares.items())


def _drawn(draw: Draw, within: str = "") -> Iterator[str]:
    """Each number of the first clip by its name; draws of steps within others are counted."""
    for name, part in zip(getattr(draw, "_fields", ()) or range(len(draw)), draw, strict=True):
        if isinstance(part, Tensor):
            row = part[0].flatten().tolist()
            numbers = ", ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row[:8])
            yield f"  {within}{name}: {numbers}{', ...' if len(row) > 8 else ''}"
        else:
            yield from _drawn(part, f"{within}{name}.")
