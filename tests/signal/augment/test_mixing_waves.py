"""Mixtures of waves against loops over clips: loudness, places, lengths, labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile
import torch

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.signal.augment.mixing.between_class import BetweenClass, BetweenClassNumbers
from earmark.signal.augment.mixing.paste import Paste, PasteNumbers
from earmark.signal.augment.mixing.superpose import Superpose, SuperposeNumbers
from earmark.signal.step import Spec
from tests.signal.augment.mixtures import clips, drawn, long_as, same_labels, same_signal, signal

LENGTHS = (40, 17, 1, 33, 40)
PARTNERS = [1, 0, 3, 4, 2]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def level_db(wave: np.ndarray, n_window: int) -> float:
    """As Y. Tokozume et al. have it, without weighting: whole windows half of one apart."""
    starts = range(0, max(1, len(wave) - n_window + 1), n_window // 2)
    return max(-80.0, *(10 * math.log10(np.mean(wave[i : i + n_window] ** 2) + 1e-30) for i in starts))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("labels", ["linear", "union"])
def test_between_class_is_the_published_formula(legacy, labels):
    batch, shares = clips(LENGTHS), [0.3, 0.75, 0.5, 1.0, 0.0]
    batch = batch.changed(values=batch.values * torch.tensor([1.0, 0.1, 0.5, 0.03, 0.0])[:, None])
    step = BetweenClass(window_s=0.08, legacy=legacy, labels=labels)
    out = step.apply(batch, drawn(PARTNERS, BetweenClassNumbers(torch.tensor(shares))))
    for row, (partner, r) in enumerate(zip(PARTNERS, shares, strict=True)):
        one, two = signal(batch, row), signal(batch, row if legacy else partner)
        g1, g2 = level_db(one, 8), level_db(two, 8)
        t = 1 / (1 + 10 ** ((g1 - g2) / 20) * (1 - r) / r) if r else 0.0
        n = max(len(one), len(two))
        same_signal(out, row, (t * long_as(one, n) + (1 - t) * long_as(two, n)) / math.sqrt(t**2 + (1 - t) ** 2))
        same_labels(out, row, batch, partner, labels, r)


def test_between_class_makes_loud_and_quiet_as_loud_as_one_another():
    """At r = 1/2 both parts have the same level, whatever they had before; and the sum keeps the power."""
    time = torch.arange(44100) / 44100
    tones = torch.stack([0.5 * torch.sin(2 * math.pi * 400 * time), 0.01 * torch.sin(2 * math.pi * 1000 * time)])
    batch = clips((44100, 44100), rate_hz=44100.0).changed(values=tones)
    out = BetweenClass().apply(batch, drawn([1, 0], BetweenClassNumbers(torch.full((2,), 0.5))))
    spectrum = torch.fft.rfft(out.values[0]).abs() / 22050
    assert float(spectrum[400]) == pytest.approx(float(spectrum[1000]), rel=0.01)
    t = 0.01 / 0.51
    assert float(spectrum[400]) == pytest.approx(0.5 * t / math.hypot(t, 1 - t), rel=0.01)


def test_the_legacy_sound_is_the_clip_itself_but_louder_and_only_its_labels_are_mixed():
    batch = clips((30, 20), seed=3)
    out = BetweenClass(legacy=True).apply(batch, drawn([1, 0], BetweenClassNumbers(torch.tensor([0.5, 0.2]))))
    assert out.lengths.tolist() == [30, 20]
    torch.testing.assert_close(out.values[0], batch.values[0] * math.sqrt(2.0))
    torch.testing.assert_close(out.values[1], batch.values[1] / math.sqrt(0.04 + 0.64))
    same_labels(out, 0, batch, 1, "linear", 0.5)


def superposed(batch: Batch, row: int, partner: int, place: float, level: float, step: Superpose) -> np.ndarray:
    one, two = signal(batch, row), signal(batch, partner)
    two = two * np.abs(one).max() / np.abs(two).max() * step.peak_ratio**level
    two = two[: max(1, int(step.longest_ratio * len(one)))]
    overlap = max(1, math.ceil(step.least_overlap * min(len(one), len(two))))
    starts = list(range(overlap - len(two), len(one) - overlap + 1))
    start = starts[int(place * len(starts))]
    out = np.zeros(batch.values.shape[-1])
    out[: len(one)] = one
    for i, sample in enumerate(two):
        if 0 <= start + i < len(out):
            out[start + i] += sample
    return out[: max(len(one), min(len(out), start + len(two)))]


@pytest.mark.parametrize("settings", [{}, {"least_overlap": 0.0}, {"least_overlap": 1.0, "longest_ratio": 5.0}])
@pytest.mark.parametrize("place", [0.0, 0.37, 0.999])
def test_superpose_is_a_loop_over_clips(settings, place):
    step, batch = Superpose(**settings), clips(LENGTHS)
    levels = [-1.0, 0.0, 0.5, 0.9, -0.2]
    out = step.apply(batch, drawn(PARTNERS, SuperposeNumbers(torch.full((5,), place), torch.tensor(levels))))
    for row, (partner, level) in enumerate(zip(PARTNERS, levels, strict=True)):
        same_signal(out, row, superposed(batch, row, partner, place, level, step))
        same_labels(out, row, batch, partner, "union")


def test_superpose_peaks_at_up_to_twice_or_half_the_peak_two_times_in_three():
    batch = clips((50,) * 64)
    silent = batch.changed(values=torch.cat([batch.values[:1] * 0 + 0.25, batch.values[1:]]))
    step = Superpose(least_overlap=1.0)
    mixed, ratios = [], []
    for seed in range(60):
        draw = step.draw(silent, seeded(seed))
        mixed.append(draw.hit)
        if draw.hit[0]:
            added = step.apply(silent, draw).values[0] - 0.25
            ratios.append(float(added.abs().max()) / 0.25)
    assert float(torch.stack(mixed).float().mean()) == pytest.approx(2 / 3, abs=0.02)
    assert 0.5 <= min(ratios) < 0.65 and 1.5 < max(ratios) <= 2.0


def test_superpose_beside_silence_leaves_the_partner_as_it_is():
    batch = clips((8, 8))
    batch = batch.changed(values=batch.values * torch.tensor([[0.0], [1.0]]))
    step = Superpose(least_overlap=1.0, peak_ratio=1.0)
    out = step.apply(batch, drawn([1, 0], SuperposeNumbers(torch.zeros(2), torch.zeros(2))))
    torch.testing.assert_close(out.values, batch.values[[1, 1]])


@pytest.mark.parametrize("mode", ["paste", "add"])
@pytest.mark.parametrize("domain", ["wave", "power"])
@pytest.mark.parametrize("place", [0.0, 0.6, 0.999])
def test_paste_is_a_loop_over_clips(mode, domain, place):
    batch, shares = clips(LENGTHS, domain), [0.4, 0.45, 0.5, 0.55, 0.6]
    numbers = PasteNumbers(torch.tensor(shares), torch.full((5,), place))
    out = Paste(mode=mode).apply(batch, drawn([1, 0, 3, 4, 0], numbers))
    for row, (partner, a) in enumerate(zip([1, 0, 3, 4, 0], shares, strict=True)):
        longer, shorter = sorted((signal(batch, row), signal(batch, partner)), key=lambda s: s.shape[-1], reverse=True)
        n, room = shorter.shape[-1], longer.shape[-1] - shorter.shape[-1]
        if room == 0:
            wanted = (longer + shorter) / 2
        else:
            start, wanted = int(place * (room + 1)), a * longer
            kept = wanted[..., start : start + n] if mode == "add" else 0.0
            wanted[..., start : start + n] = kept + (1 - a) * shorter
        same_signal(out, row, wanted)
        same_labels(out, row, batch, partner, "union")


def test_the_share_of_the_longer_is_drawn_from_two_to_three_fifths():
    share = Paste(p=1).draw(clips((1,) * 500), seeded()).numbers.share
    assert 0.4 <= float(share.min()) < 0.41 and 0.59 < float(share.max()) <= 0.6


def test_mixtures_of_waves_are_refused_elsewhere():
    for step in (BetweenClass(), Superpose()):
        with pytest.raises(SettingsError, match="takes wave, but power comes in; put it before the front end"):
            step.after(Spec("power", 100.0, 1, 8))
    with pytest.raises(SettingsError, match="paste takes wave, power or magnitude, but features come in; put it befo"):
        Paste().after(Spec("features", 100.0, 1, 8))
    with pytest.raises(SettingsError, match=r"0\.001 s is less than two samples at 100 Hz; raise window_s"):
        BetweenClass(window_s=0.001).after(Spec("wave", 100.0))


def test_what_is_heard_over_a_real_clip_is_the_other_within_its_levels(shared_data):
    wave, rate = soundfile.read(shared_data / "fixtures/00c4e82c.wav", dtype="float32")
    lengths = (rate, rate // 2)
    batch = clips(lengths, rate_hz=rate)
    parts = torch.from_numpy(np.stack([wave[:rate], long_as(wave[rate : rate + rate // 2], rate)]))
    batch = batch.changed(values=parts)
    step = Superpose(p=1, least_overlap=1.0)
    for seed in range(5):
        draw = step.draw(batch, seeded(seed))
        heard = step.apply(batch, draw).values[0] - parts[0]
        start = int(draw.numbers.place[0] * (rate - rate // 2 + 1))
        cut = heard[start : start + rate // 2]
        assert float(torch.corrcoef(torch.stack([cut, parts[1, : rate // 2]]))[0, 1]) > 0.9999
        assert 0.499 <= float(heard.abs().max() / parts[0].abs().max()) <= 2.001
