"""What every augmentation must keep to, whatever it does; a new member is tested the moment it exists.

A member is tried with its defaults and with the settings listed in `VARIANTS`, on every kind of input that its
``after`` does not refuse. A draw with a field ``partner`` mixes clips: for these alone a batch is not its members.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from earmark.core.batch import Batch, signal_mask
from earmark.core.errors import SettingsError
from earmark.signal.augment.rows import taken_draw
from earmark.signal.step import Augment, Spec

SPECS = {
    "wave": Spec("wave", 8000.0),
    "power": Spec("power", 100.0, 1, 32),
    "magnitude": Spec("magnitude", 100.0, 1, 32),
    "features": Spec("features", 100.0, 2, 32),
}
LENGTHS = {"wave": (12000, 6600, 1, 12000, 9400, 40)}
"""Samples or frames of the clips of a batch; one of them is as short as can be."""
FRAMES = (60, 33, 1, 60, 47, 2)
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "between_class": [{"labels": "union", "window_s": 0.02}, {"legacy": True}],
    "cross_fade": [{"labels": "linear", "partner": {"choice": "uniform"}}],
    "cut_mix": [{"labels": "union", "share": {"kind": "uniform", "low": 0.2, "high": 0.4}}],
    "mixup": [
        {"labels": "union", "share": {"kind": "beta", "alpha": 0.2, "larger": True}},
        {"share": {"kind": "fixed", "share": 0.7}, "partner": {"choice": "class_balanced"}},
    ],
    "paste": [{"mode": "add"}],
    "spec_mix": [{"labels": "union", "widest_bands": 32, "widest_s": 9.0}, {"widest_bands": 0}],
    "superpose": [{"least_overlap": 0.0, "longest_ratio": 5.0, "peak_ratio": 1.0}, {"least_overlap": 1.0}],
    "frequency_mask": [
        {"fill": "mean", "n_masks": 3},
        {"law": "centred", "narrowest_bands": 8, "widest_bands": 32},
        {"law": "half_width", "narrowest_bands": 2, "widest_bands": 8, "fill": "minimum"},
    ],
    "time_scale": [{"low_factor": 0.3, "high_factor": 0.6, "law": "linear"}, {"low_factor": 2.0, "high_factor": 4.0}],
    "time_warp": [{"furthest_s": 9.0, "furthest_share": 0.49}],
    "frequency_warp": [{"mean_change": 0.5, "mean_cutoff": 2.0}],
    "random_resized_crop": [{"low_area": 0.05, "high_area": 0.3, "low_aspect": 0.2, "high_aspect": 5.0}],
    "filter_augment": [{"law": "step", "fewest_parts": 1, "most_parts": 32, "narrowest_bands": 1}],
    "freq_mixstyle": [{"share": {"kind": "uniform", "low": 0.0, "high": 0.5}, "partner": {"choice": "class_balanced"}}],
    "patchout": [
        {"patch_share": 0.0, "n_rows": 2, "column_share": 0.5, "patch_bands": 10, "patch_s": 0.07, "fill": "minimum"},
        {"patch_share": 0.9, "patch_bands": 1, "patch_s": 0.01, "fill": "mean"},
    ],
    "band_filter": [{"shapes": ["band_stop"], "low_slope_db": 12, "high_slope_db": 48}],
    "chunk_shuffle": [{"chunk_s": 0.1}],
    "codec": [{"low_hz": 1000, "high_hz": 3000, "steps": "linear"}, {"low_hz": 500, "high_hz": 900, "steps": "none"}],
    "effects": [
        {"steps": [{"kind": "mixup", "p": 0.5}, {"kind": "tempo", "p": 1}]},
        {"steps": [{"kind": "frequency_mask", "p": 0.5}, {"kind": "effects", "steps": ["gain"]}]},
    ],
    "equaliser": [{"n_bands": 1, "most_db": 24, "high_quality": 8}],
    "gain": [{"law": "factor"}],
    "noise": [{"colour": [-2, 2]}, {"colour": "brown", "low_db": -10, "high_db": 0}],
    "one_of": [
        {"steps": ["speed", "noise", "polarity"]},
        {"steps": ["mixup", "gain"], "weights": [3, 1]},
    ],
    "overdrive": [{"low_db": 40, "high_db": 100, "colour": 100}],
    "pitch": [{"low_cents": -2400, "high_cents": 2400, "segment_s": 0.02}],
    "reverb": [{"low_rt60_s": 0.001, "high_rt60_s": 9, "wet_gain_db": 20}, {"high_reverberance": 100}],
    "speed": [
        {"low": 0.8, "high": 1.25, "law": "log", "interpolation": "nearest"},
        {"low": 0.3, "high": 3, "interpolation": "linear"},
    ],
    "tempo": [{"low": 0.25, "high": 4, "segment_s": 0.03}],
    "shift": [{"edge": "zeros", "most_share": 1}, {"most_s": 0.2}],
    "slice": [{"least_share": 0.01}],
    "time_mask": [{"fill": "mean", "n_masks": 3, "widest_share": 1.0, "narrowest_s": 0.1, "widest_s": 9.0}],
}
TENSORS = ("values", "lengths", "targets", "known", "weights", "origins")


def cases() -> list[Any]:
    found = []
    for kind, member in Augment.members().items():
        plain = [] if any(field.is_required() for field in member.model_fields.values()) else [{}]
        for i, settings in enumerate([*plain, *VARIANTS.get(kind, [])]):
            for name, spec in SPECS.items():
                try:
                    member.model_validate(settings).after(spec)
                except SettingsError:
                    continue
                found.append(pytest.param(kind, settings, spec, id=f"{kind}-{i}-{name}"))
    return found


every_augmentation = pytest.mark.parametrize(("kind", "settings", "spec"), cases())


def step_of(kind: str, settings: dict[str, Any], p: float) -> Augment:
    return Augment.members()[kind].model_validate({**settings, "p": p})


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(spec: Spec, lengths: tuple[int, ...] = (), seed: int = 0) -> Batch:
    lengths = lengths or LENGTHS.get(spec.domain, FRAMES)
    n, time = len(lengths), max(lengths)
    shape = (n, time) if spec.domain == "wave" else (n, spec.n_channels, spec.n_bands, time)
    values = torch.randn(shape, generator=chance(seed)) * (0.1 if spec.domain == "wave" else 1.0)
    found = torch.tensor(lengths)
    return Batch(
        values=(values.abs() if spec.domain in ("power", "magnitude") else values)
        * signal_mask(found, time).view(n, *[1] * (values.ndim - 2), time),
        lengths=found,
        targets=torch.rand(n, 4, generator=chance(seed + 1)).round(),
        known=torch.rand(n, 4, generator=chance(seed + 2)) < 0.7,
        weights=torch.rand(n, generator=chance(seed + 3)),
        origins=torch.arange(n) % 3,
        ids=tuple(f"clip {i}" for i in range(n)),
        rate_hz=spec.rate_hz,
        domain=spec.domain,
    )


def mixes(kind: str, settings: dict[str, Any], spec: Spec) -> bool:
    return has_partner(step_of(kind, settings, 1.0).draw(batch_of(spec), chance()))


def has_partner(draw: Any) -> bool:
    return not isinstance(draw, torch.Tensor) and ("partner" in draw._fields or any(has_partner(each) for each in draw))


def flat(draw: Any) -> list[torch.Tensor]:
    """The tensors of a draw, those of draws within it as well."""
    return [draw] if isinstance(draw, torch.Tensor) else [part for inner in draw for part in flat(inner)]


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(getattr(one, part), getattr(other, part)) for part in TENSORS)


def copied(batch: Batch) -> Batch:
    return batch.changed(**{part: getattr(batch, part).clone() for part in TENSORS})


def test_something_is_tested_for_every_member():
    assert {case.values[0] for case in cases()} == set(Augment.members())


@every_augmentation
def test_with_p_0_nothing_changes(kind, settings, spec):
    step, batch = step_of(kind, settings, 0.0), batch_of(spec)
    assert same(step.apply(batch, step.draw(batch, chance())), batch)


@every_augmentation
def test_with_p_1_something_changes_and_the_input_does_not(kind, settings, spec):
    step, batch = step_of(kind, settings, 1.0), batch_of(spec)
    before = copied(batch)
    assert any(not same(step.apply(batch, step.draw(batch, chance(seed))), batch) for seed in range(5))
    assert same(batch, before)


@every_augmentation
def test_the_same_draw_gives_the_same_result(kind, settings, spec):
    step, batch = step_of(kind, settings, 0.5), batch_of(spec)
    draw, again = step.draw(batch, chance(7)), step.draw(batch, chance(7))
    assert all(torch.equal(one, other) for one, other in zip(flat(draw), flat(again), strict=True))
    assert same(step.apply(batch, draw), step.apply(batch, again))
    before = torch.random.get_rng_state()
    step.draw(batch, chance(8))
    assert torch.equal(torch.random.get_rng_state(), before)


@every_augmentation
def test_a_draw_is_a_named_tuple_of_rows_and_does_not_look_at_the_values(kind, settings, spec):
    step, batch = step_of(kind, settings, 0.5), batch_of(spec)
    draw = step.draw(batch, chance(7))
    assert draw._fields
    assert all(part.device.type == "cpu" and part.shape[0] == len(batch) for part in flat(draw))
    elsewhere = step.draw(batch_of(spec, seed=100), chance(7))
    assert all(torch.equal(one, other) for one, other in zip(flat(draw), flat(elsewhere), strict=True))


@every_augmentation
def test_only_the_time_axis_may_become_shorter_and_lengths_fit(kind, settings, spec):
    step, batch = step_of(kind, settings, 1.0), batch_of(spec)
    assert step.after(spec) == spec
    out = step.apply(batch, step.draw(batch, chance()))
    assert out.values.shape[:-1] == batch.values.shape[:-1] and out.values.shape[-1] <= batch.values.shape[-1]
    assert out.values.dtype == batch.values.dtype
    assert out.values.is_contiguous()
    assert out.ids == batch.ids and out.domain == batch.domain and out.rate_hz == batch.rate_hz
    assert out.padded or bool((out.lengths == out.values.shape[-1]).all())
    assert int(out.lengths.min()) >= 1 and int(out.lengths.max()) <= out.values.shape[-1]
    assert bool(out.values.isfinite().all())
    assert bool(((out.targets >= 0) & (out.targets <= 1)).all())


@every_augmentation
def test_padding_stays_padding(kind, settings, spec):
    step, batch = step_of(kind, settings, 1.0), batch_of(spec)
    for seed in range(5):
        out = step.apply(batch, step.draw(batch, chance(seed)))
        for clip, length in zip(out.values, out.lengths.tolist(), strict=True):
            assert not clip[..., length:].any()


@pytest.mark.parametrize(("kind", "settings", "spec"), [case for case in cases() if not mixes(*case.values)])
def test_a_batch_is_its_members(kind, settings, spec):
    step, batch = step_of(kind, settings, 1.0), batch_of(spec)
    draw = step.draw(batch, chance())
    together = step.apply(batch, draw)
    for i, length in enumerate(batch.lengths.tolist()):
        rows = {part: getattr(batch, part)[i : i + 1] for part in TENSORS}
        alone = batch.changed(**rows, ids=batch.ids[i : i + 1])
        alone = alone.changed(values=alone.values[..., :length].contiguous())
        alone = step.apply(alone, taken_draw(draw, slice(i, i + 1)))
        # A clip that becomes longer is cut at the width of its batch, which alone is its own length.
        n = min(int(alone.lengths[0]), int(together.lengths[i]))
        assert int(alone.lengths[0]) == min(int(together.lengths[i]), alone.values.shape[-1])
        torch.testing.assert_close(together.values[i, ..., :n], alone.values[0, ..., :n], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "settings", "spec"), [case for case in cases() if not mixes(*case.values)])
def test_guests_are_changed_like_everybody_and_stay_guests(kind, settings, spec):
    step, batch = step_of(kind, settings, 0.5), batch_of(spec)
    hosted = batch.changed(guests=(("noisy", 2),))
    out = step.apply(hosted, step.draw(hosted, chance(3)))
    assert out.guests == hosted.guests and out.n_own == len(batch) - 2
    assert same(out.changed(guests=()), step.apply(batch, step.draw(batch, chance(3))))


@every_augmentation
def test_one_clip_alone_goes_through(kind, settings, spec):
    step, batch = (
        step_of(kind, settings, 1.0),
        batch_of(spec, lengths=(FRAMES if spec.domain != "wave" else (9000,))[:1]),
    )
    assert len(step.apply(batch, step.draw(batch, chance()))) == 1


@every_augmentation
def test_it_never_waits_for_the_device(kind, settings, spec):
    """On the meta device there are shapes and no values: whoever asks for one fails."""
    step, batch = step_of(kind, settings, 1.0), batch_of(spec)
    draw = step.draw(batch, chance())
    out = step.apply(batch.to(torch.device("meta")), draw)
    assert out.values.device.type == "meta"
    assert out.values.shape == step.apply(batch, draw).values.shape
