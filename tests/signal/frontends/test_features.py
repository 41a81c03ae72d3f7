"""What front ends make of other front ends' output: PCEN, MFCC, deltas, the frequency map and the picture of bytes."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.frontends.decibel import Decibel
from earmark.signal.frontends.deltas import Deltas
from earmark.signal.frontends.frequency_map import FrequencyMap
from earmark.signal.frontends.image import Image
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.mel import Mel
from earmark.signal.frontends.mfcc import MFCC
from earmark.signal.frontends.normalise import Normalise
from earmark.signal.frontends.pcen import PCEN
from earmark.signal.step import FrontEnd, Spec
from earmark.signal.view import build_view, check

WAVE = Spec("wave", 44100.0)
LOG_MEL = (Mel(), Decibel())
NAMES = ["00c4e82c.wav", "54fe9d83.wav", "a439d172.wav"]
every_clip = pytest.mark.parametrize("name", NAMES)


def sound(folder: Path, name: str) -> Batch:
    wave, rate = soundfile.read(folder / "fixtures" / name, dtype="float32", always_2d=True)
    mono = torch.from_numpy(wave[: 6 * rate].mean(axis=1))[None]
    return waves(mono, torch.tensor([mono.shape[1]]), rate, (name,), 1)


def made(steps: tuple[FrontEnd, ...], batch: Batch) -> np.ndarray:
    """What the steps make of one clip: [channels, bands, frames]."""
    return build_view(steps, Spec("wave", batch.rate_hz))(batch).values[0].numpy()


def pictures(values: torch.Tensor, lengths: list[int]) -> Batch:
    ids = tuple(map(str, range(len(lengths))))
    return waves(values, torch.tensor(lengths), 100.0, ids, 1).changed(domain="features")


@every_clip
@pytest.mark.parametrize(
    "settings",
    [{}, {"time_constant_s": 0.06, "gain": 0.8, "bias": 10.0, "power": 0.25, "eps": 1e-3, "scale": 1e4}, {"power": 0}],
)
@pytest.mark.parametrize("spectrum", ["magnitude", "power"])
def test_pcen_of_recordings_is_that_of_librosa(shared_data, name, settings, spectrum):
    batch, mel, step = sound(shared_data, name), Mel(spectrum=spectrum), PCEN(**settings)
    theirs = librosa.pcen(
        made((mel,), batch)[0].astype(np.float64) * step.scale,
        sr=batch.rate_hz,
        hop_length=mel.hop_samples,
        time_constant=step.time_constant_s,
        gain=step.gain,
        bias=step.bias,
        power=step.power,
        eps=step.eps,
    )
    np.testing.assert_allclose(made((mel, step), batch)[0], theirs, rtol=1e-4, atol=1e-6)


@every_clip
@pytest.mark.parametrize(("n_mfcc", "ortho", "lift"), [(20, True, 0), (13, True, 22), (128, False, 0)])
def test_mfcc_of_recordings_are_those_of_librosa(shared_data, name, n_mfcc, ortho, lift):
    batch = sound(shared_data, name)
    theirs = librosa.feature.mfcc(
        S=made(LOG_MEL, batch)[0], n_mfcc=n_mfcc, norm="ortho" if ortho else None, lifter=lift
    )
    ours = made((*LOG_MEL, MFCC(n_mfcc=n_mfcc, ortho=ortho, lifter=lift)), batch)[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6 * np.abs(theirs).max())


@every_clip
@pytest.mark.parametrize("width", [3, 9, 101])
def test_deltas_of_recordings_are_those_of_librosa(shared_data, name, width):
    batch = sound(shared_data, name)
    still, *moving = made((*LOG_MEL, Deltas(width_frames=width)), batch)
    np.testing.assert_array_equal(still, made(LOG_MEL, batch)[0])
    for order, ours in enumerate(moving, start=1):
        theirs = librosa.feature.delta(still, width=width, order=order, mode="nearest")
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("length", [1, 2, 4, 9])
def test_deltas_of_a_clip_shorter_than_their_width_are_those_of_librosa_too(length):
    values = torch.randn(1, 2, 5, length, generator=torch.Generator().manual_seed(length))
    out = Deltas().build(Spec("features", 100.0, 2, 5))(pictures(values, [length])).values
    assert out.shape == (1, 6, 5, length)
    for order in (1, 2):
        theirs = librosa.feature.delta(values.numpy(), order=order, mode="nearest")
        np.testing.assert_allclose(out[:, 2 * order : 2 * order + 2], theirs, rtol=1e-5, atol=1e-5)


def bytes_by_hand(values: np.ndarray) -> np.ndarray:
    """The pictures as their prose has them: standardised, stretched from 0 to 255, cut to bytes."""
    values = values.astype(np.float64)
    values = (values - values.mean()) / (values.std() + 1e-6)
    span = values.max() - values.min()
    stretched = 255 * (values - values.min()) / span if span > 1e-6 else np.zeros_like(values)
    return stretched.astype(np.uint8)


@every_clip
@pytest.mark.parametrize("top", [1, 255])
def test_pictures_of_recordings_are_whole_numbers_from_end_to_end(shared_data, name, top):
    batch = sound(shared_data, name)
    ours = made((*LOG_MEL, Image(top=top)), batch)
    theirs = bytes_by_hand(made(LOG_MEL, batch)[0])
    levels = ours * (255 / top)
    assert ours.shape[0] == 3 and np.array_equal(ours[0], ours[1]) and np.array_equal(ours[0], ours[2])
    assert ours.min() == 0 and ours.max() == top
    np.testing.assert_allclose(levels, levels.round(), atol=1e-4)
    apart = np.abs(levels[0].round() - theirs)
    # Rounding in single precision can fall on the other side of a whole number, and that rarely.
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-3


def test_standardising_before_the_picture_changes_nothing_but_rounding():
    values = torch.randn(1, 1, 16, 300, generator=torch.Generator().manual_seed(0)) * 12 - 40
    spec, batch = Spec("features", 100.0, 1, 16), pictures(values, [300])
    plain = Image(top=255).build(spec)(batch).values
    standardised = Image(top=255).build(spec)(Normalise().build(spec)(batch)).values
    assert float((plain - standardised).abs().max()) <= 1
    assert float((plain != standardised).float().mean()) < 1e-3


@pytest.mark.parametrize("level", [0.0, -80.0, 12.3456789])
def test_a_clip_that_does_not_vary_becomes_a_black_picture(level):
    batch = pictures(torch.full((1, 1, 4, 30), level), [30])
    assert not Image().build(Spec("features", 100.0, 1, 4))(batch).values.any()


def test_the_gradient_of_a_picture_is_that_of_the_stretching_without_the_cutting():
    values = torch.randn(1, 1, 4, 30, generator=torch.Generator().manual_seed(0)).requires_grad_()
    low, high = values.detach().aminmax()
    out = Image(copies=1, top=255).build(Spec("features", 100.0, 1, 4))(pictures(values, [30])).values
    (slope,) = torch.autograd.grad(out[0, 0, 2, 7], values)
    assert 0 < float(out.detach()[0, 0, 2, 7]) < 255
    torch.testing.assert_close(slope[0, 0, 2, 7], 255 / (high - low))
    torch.testing.assert_close(slope.sum(), torch.tensor(0.0), atol=1e-4, rtol=0)  # A shift changes nothing.


def test_the_map_goes_from_low_to_high_along_frequency_and_is_zero_in_the_padding():
    values = torch.randn(2, 2, 5, 6, generator=torch.Generator().manual_seed(0))
    values[1, ..., 4:] = 0.0
    out = FrequencyMap().build(Spec("features", 100.0, 2, 5))(pictures(values, [6, 4])).values
    assert torch.equal(out[:, :2], values)
    assert out[0, 2, :, 3].tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert bool((out[0, 2] == out[0, 2, :, :1]).all())
    assert torch.equal(out[1, 2, :, :4], out[0, 2, :, :4]) and not out[1, :, :, 4:].any()


def test_recipes_of_published_systems_fit_together():
    argus = (LogMel(mel=Mel(hop_samples=690), normalise=Normalise(over="none")), Deltas())
    assert check(argus, WAVE) == Spec("features", 44100 / 690, 3, 128)
    daisukelab = (Mel(hop_samples=694), Decibel(), Image())
    assert check(daisukelab, WAVE) == Spec("features", 44100 / 694, 3, 128)
    ex4sperans = (Mel(n_fft=2048, hop_samples=1024, spectrum="magnitude"), FrequencyMap())
    with pytest.raises(SettingsError, match=r"frequency_map takes features, but magnitude comes in; put it after the"):
        check(ex4sperans, WAVE)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (Deltas, {"width_frames": 8}, "width_frames must be odd, so that there is a frame in the middle, got 8"),
        (Deltas, {"width_frames": 1}, "width_frames: input should be greater than or equal to 3, got 1"),
        (Deltas, {"orders": 3}, "orders: input should be 1 or 2, got 3"),
        (FrequencyMap, {"low": 1}, "a map that is 1 everywhere says nothing of frequency"),
        (Image, {"top": 128}, "top: input should be 1 or 255, got 128"),
        (PCEN, {"bias": 0}, "bias: input should be greater than 0"),
        (PCEN, {"start": "last"}, "start"),
        (MFCC, {"lifter": -1}, "lifter: input should be greater than or equal to 0"),
    ],
)
def test_settings_without_meaning_are_refused(kind, settings, said):
    with pytest.raises(SettingsError, match=said):
        read(kind, settings)


def test_more_coefficients_than_bands_are_refused_before_any_audio_is_read():
    with pytest.raises(SettingsError, match="mfcc was to make 40 coefficients of 24 bands; lower n_mfcc"):
        MFCC(n_mfcc=40).after(Spec("features", 100.0, 1, 24))
