"""What every front end must keep to, whatever it does; a new member is tested the moment it exists.

A member is tried with its defaults, and with the other settings listed in `VARIANTS` where it has them. What it takes
is asked of the member itself: it is tried on every kind of input that its ``after`` does not refuse.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from earmark.core.batch import Batch, signal_mask, waves
from earmark.core.errors import SettingsError
from earmark.signal.step import FrontEnd, Spec
from earmark.signal.view import ViewModule

SPECS = {
    "wave": Spec("wave", 44100.0),
    "power": Spec("power", 127.0, 1, 24),
    "magnitude": Spec("magnitude", 127.0, 1, 24),
    "features": Spec("features", 127.0, 2, 24),
}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "mel": [{"spectrum": "magnitude", "win_samples": 801, "n_fft": 1001, "n_mels": 40, "scale": "htk"}],
    "decibel": [{"reference": "peak", "top_db": 40}, {"top_db": None}],
    "normalise": [
        {"over": over, "per_band": per_band}
        for over in ("none", "clip", "global", "origin")
        for per_band in (False, True, "mean")
    ],
    "stft": [{"spectrum": "power", "n_fft": 1001, "win_samples": 801, "hop_samples": 300, "window": "hamming"}],
    "chroma": [{"norm": "none", "n_fft": 1001, "hop_samples": 300, "n_chroma": 24}],
    "cqt": [
        {"hop_samples": 150, "fmin_hz": 50, "n_bins": 100, "filter_scale": 0.5},
        {"hop_samples": 347, "fmin_hz": 900, "bins_per_octave": 24, "n_bins": 40, "window": "blackman"},
    ],
    "phase": [
        {"quantity": quantity, "n_mels": n_mels, "limit": limit}
        for quantity in ("instantaneous_frequency", "group_delay")
        for n_mels, limit in ((40, 4), (None, None))
    ],
    "log_mel": [{"compression": "log", "normalise": {"over": "global", "per_band": True}}],
    "pcen": [{"scale": 1, "start": "first"}, {"power": 0, "time_constant_s": 0.05, "gain": 0.5}],
    "mfcc": [{"n_mfcc": 24, "ortho": False, "lifter": 22}],
    "deltas": [{"orders": 1, "width_frames": 3}, {"width_frames": 41}],
    "frequency_map": [{"low": 1, "high": 0}],
    "image": [{"copies": 1, "top": 255}],
    "waveform": [{"level": level, "factor": 2} for level in ("none", "peak", "rms")],
    "stack": [
        {
            "parts": [["mel", "decibel", {"kind": "normalise", "over": "global"}], ["mel", "pcen", "mfcc"]],
            "n_bands": 50,
        },
        {"parts": [[], [{"kind": "normalise", "over": "origin"}, "deltas"], ["mfcc"]], "n_bands": 24},
        {"parts": [["decibel"], ["pcen"]]},
    ],
}


def accepted(step: FrontEnd) -> list[str]:
    found = []
    for name, spec in SPECS.items():
        try:
            step.after(spec)
            found.append(name)
        except SettingsError:
            pass
    return found


def cases() -> list[Any]:
    found = []
    for kind, member in FrontEnd.members().items():
        for i, settings in enumerate([{}, *VARIANTS.get(kind, [])]):
            step = member.model_validate(settings)
            found += [pytest.param(step, SPECS[name], id=f"{kind}-{i}-{name}") for name in accepted(step)]
    return found


every_front_end = pytest.mark.parametrize(("step", "spec"), cases())


def noise(spec: Spec, n: int, time: int, seed: int = 0) -> torch.Tensor:
    shape = (n, time) if spec.domain == "wave" else (n, spec.n_channels, spec.n_bands, time)
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.3
    return values.square() if spec.domain in ("power", "magnitude") else values


def batch_of(values: torch.Tensor, spec: Spec, lengths: list[int] | None = None) -> Batch:
    n, time = len(values), values.shape[-1]
    found = torch.tensor([time] * n if lengths is None else lengths)
    mask = signal_mask(found, time).view(n, *[1] * (values.ndim - 2), time)
    batch = waves(values * mask, found, spec.rate_hz, tuple(f"clip {i}" for i in range(n)), n_classes=3)
    return batch.changed(domain=spec.domain, origins=torch.arange(n) % 2)


def some_lengths(spec: Spec) -> list[int]:
    return [9000, 4001, 1, 2600] if spec.domain == "wave" else [30, 17, 1, 8]


def shape_of(spec: Spec) -> tuple[int, ...]:
    """Of one clip of this spec, without its time."""
    return () if spec.domain == "wave" else (spec.n_channels, spec.n_bands)


def some_sum(out: torch.Tensor) -> torch.Tensor:
    """A sum whose every term counts differently, so that no gradient vanishes by chance."""
    return (out * torch.randn(out.shape, generator=torch.Generator().manual_seed(1))).sum()


def module_of(step: FrontEnd, spec: Spec) -> ViewModule:
    """The front end, having learned what it has to from some noise."""
    module = ViewModule([step], spec)
    module.fit([batch_of(noise(spec, 4, 4000 if spec.domain == "wave" else 20, seed=9), spec)])
    return module


def hop_of(step: FrontEnd, spec: Spec) -> int:
    return round(spec.rate_hz / step.after(spec).rate_hz)


def test_something_is_tested_for_every_member():
    assert {case.values[0].kind for case in cases()} == set(FrontEnd.members())


@every_front_end
def test_what_comes_out_is_what_was_promised(step, spec):
    lengths = some_lengths(spec)
    batch = batch_of(noise(spec, 4, max(lengths)), spec, lengths)
    before = batch.values.clone()
    out, promised = module_of(step, spec)(batch), step.after(spec)
    assert out.domain == promised.domain
    assert out.rate_hz == pytest.approx(promised.rate_hz)
    assert out.values.shape[:-1] == (4, *shape_of(promised))
    assert out.values.dtype == torch.float32 and out.values.is_contiguous()
    assert out.lengths.max() == out.values.shape[-1] and out.lengths.min() >= 1
    assert torch.equal(batch.values, before)
    assert out.ids == batch.ids and torch.equal(out.origins, batch.origins)


@every_front_end
def test_a_batch_is_its_members(step, spec):
    lengths = some_lengths(spec)
    batch = batch_of(noise(spec, 4, max(lengths)), spec, lengths)
    module = module_of(step, spec)
    together = module(batch)
    for i, length in enumerate(lengths):
        alone = batch_of(batch.values[i : i + 1, ..., :length], spec).changed(origins=batch.origins[i : i + 1])
        alone = module(alone)
        n = int(together.lengths[i])
        assert n == int(alone.lengths[0]) == alone.values.shape[-1]
        torch.testing.assert_close(together.values[i, ..., :n], alone.values[0], rtol=1e-4, atol=1e-4)
        assert not together.values[i, ..., n:].any()


@every_front_end
def test_knowing_that_nothing_is_padded_changes_nothing(step, spec):
    batch = batch_of(noise(spec, 3, some_lengths(spec)[0]), spec)
    module = module_of(step, spec)
    masked, plain = module(batch), module(batch.changed(padded=False))
    assert not plain.padded and bool((plain.lengths == plain.values.shape[-1]).all())
    torch.testing.assert_close(plain.values, masked.values, rtol=1e-6, atol=1e-6)


@every_front_end
def test_a_shift_by_a_hop_is_a_shift_by_a_frame(step, spec):
    """Where silence lies on both sides, so that statistics of the clip do not change with the shift."""
    hop = hop_of(step, spec)
    values = torch.zeros_like(noise(spec, 2, 60 * hop))
    values[..., 20 * hop : 35 * hop] = noise(spec, 2, 15 * hop)
    module = module_of(step, spec)
    out, shifted = (module(batch_of(each, spec)).values for each in (values, values.roll(hop, dims=-1)))
    torch.testing.assert_close(shifted[..., 1:], out[..., :-1], rtol=1e-4, atol=1e-4)


@every_front_end
@pytest.mark.parametrize("time", [1, 3000])
@pytest.mark.parametrize("level", [0.0, 1e-20, 1e6])
def test_silence_one_sample_and_great_noise_stay_finite_and_have_a_gradient(step, spec, level, time):
    values = noise(spec, 2, time if spec.domain == "wave" else min(time, 20)) * level
    batch = batch_of(values, spec)
    batch = batch.changed(values=batch.values.requires_grad_())
    out = module_of(step, spec)(batch).values
    assert bool(out.isfinite().all())
    some_sum(out).backward()
    assert bool(values.grad is None and batch.values.grad.isfinite().all())


@every_front_end
def test_the_gradient_reaches_the_input(step, spec):
    lengths = [length for length in some_lengths(spec) if length > 1]
    batch = batch_of(noise(spec, 3, max(lengths)), spec, lengths)
    batch = batch.changed(values=batch.values.requires_grad_())
    out = module_of(step, spec)(batch).values
    some_sum(out).backward()
    for gradient, length in zip(batch.values.grad, lengths, strict=True):
        assert gradient[..., :length].any()


@every_front_end
def test_mixed_precision_changes_nothing(step, spec):
    batch = batch_of(noise(spec, 2, some_lengths(spec)[0]), spec)
    module = module_of(step, spec)
    plain = module(batch).values
    with torch.autocast("cpu", torch.bfloat16):
        mixed = module(batch).values
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, plain, rtol=1e-6, atol=1e-6)


@every_front_end
def test_what_was_learned_is_state_and_settings_survive_being_written(step, spec):
    batch = batch_of(noise(spec, 2, some_lengths(spec)[0]), spec)
    module = module_of(step, spec)
    other = ViewModule([FrontEnd.named(step.kind).model_validate(step.model_dump(mode="json"))], spec)
    other.load_state_dict(module.state_dict())
    assert not other.needs_fit
    torch.testing.assert_close(other(batch).values, module(batch).values)


@every_front_end
def test_it_never_waits_for_the_device(step, spec):
    """On the meta device there are shapes and no values: whoever asks for one fails."""
    batch = batch_of(noise(spec, 2, some_lengths(spec)[0]), spec)
    plain = module_of(step, spec)(batch)
    module = module_of(step, spec)
    module(batch)  # what is asked once in a module's life is asked now
    out = module.to("meta")(batch.to(torch.device("meta")))
    assert out.values.device.type == "meta" and out.values.shape == plain.values.shape


@pytest.mark.parametrize("kind", sorted(FrontEnd.members()))
def test_what_a_member_cannot_take_it_refuses_in_a_sentence(kind):
    step = FrontEnd.members()[kind]()
    takes = accepted(step)
    assert takes
    for name in set(SPECS) - set(takes):
        with pytest.raises(SettingsError, match=name):
            step.after(SPECS[name])
        with pytest.raises(SettingsError, match=name):
            step.build(SPECS[name])
