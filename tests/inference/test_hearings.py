"""Each way of hearing does what its source did: against the plain formula, or against the network called by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, logit
from torch.nn import functional

from earmark.core.batch import waves
from earmark.core.errors import DataError, SettingsError
from earmark.core.settings import read
from earmark.data.crops import Crop
from earmark.inference import tagger as module
from earmark.inference.hearings.hearing import Ear, Hearing
from earmark.inference.listening import hear_stream
from earmark.inference.plan import Corner, Excerpt, takes
from earmark.inference.predict import predict
from earmark.inference.settings import InferenceSettings
from earmark.inference.tagger import Tagger
from earmark.inference.turning import enlarged
from earmark.signal.frontends.waveform import Waveform
from tests.tiny import RATE_HZ, alone, clips_of, features, tones

EAR = Ear(100, 3000, 200, "mean", frozenset({"wave", "features"}))


def hearing_of(kind: str, **settings: object) -> Hearing:
    return read(InferenceSettings, {"hearing": {"kind": kind, **settings}, "window_s": 60}).hearing


def spans(hearing: Hearing, n_samples: int, name: str = "a") -> list[tuple[int, int]]:
    return [(take.excerpt.start, take.excerpt.n_samples) for take in takes(hearing.plan(n_samples, EAR, name))]


def wave_of(n_samples: int) -> np.ndarray:
    return next(iter(tones((n_samples,)).values()))


@pytest.mark.parametrize("kind", ["slices", "crops", "windows"])
def test_a_clip_that_is_shorter_than_a_slice_is_heard_whole(tagger_of, kind):
    long = {"lengths_s": [1.0, 1.0]} if kind == "windows" else {"length_s": 1.0}
    clips = clips_of((500, 7999))
    plain = predict(tagger_of(), clips).scores
    assert np.array_equal(predict(tagger_of(hearing={"kind": kind, **long}), clips).scores, plain)


def test_slices_lie_where_they_are_said_to():
    assert spans(hearing_of("slices"), 500) == [(0, 200), (200, 200), (300, 200)]
    assert spans(hearing_of("slices", n=1), 500) == [(0, 200)]
    assert spans(hearing_of("slices", where="end", n=1), 500) == [(300, 200)]
    assert spans(hearing_of("slices", where="even", n=3), 501) == [(0, 200), (150, 200), (301, 200)]
    assert spans(hearing_of("slices", where="even", n=1), 500) == [(150, 200)]
    assert spans(hearing_of("slices", length_s=1, hop_s=0.5), 200) == [(0, 100), (50, 100), (100, 100)]
    assert spans(hearing_of("segments"), 500) == [(0, 200), (200, 200), (400, 100)]
    last = list(takes(hearing_of("segments").plan(500, EAR, "a")))[-1]
    assert last.excerpt == Excerpt(400, 100, least_samples=200)
    assert spans(hearing_of("windows", lengths_s=[1, 4]), 400) == [*((50 * i, 100) for i in range(7)), (0, 400)]


def test_random_crops_depend_on_the_name_and_the_seed_alone():
    crops = hearing_of("crops")
    found = spans(crops, 1000)
    assert len(found) == 5 and found == sorted(found) and found == spans(crops, 1000)
    assert found != spans(crops, 1000, "b") and found != spans(hearing_of("crops", seed=1), 1000)
    everywhere = {start for i in range(200) for start, _ in spans(crops, 300, str(i))}
    assert min(everywhere) == 0 and max(everywhere) == 100


def test_folders_of_a_clip_are_of_no_account(tagger_of):
    tagger = tagger_of(hearing="crops")
    assert tagger.plan(20_000, "x/a.wav") == tagger.plan(20_000, "a.wav") != tagger.plan(20_000, "b.wav")


@pytest.mark.parametrize("kind", ["slices", "segments", "crops", "windows"])
@pytest.mark.parametrize("pool", ["mean", "probability", "geometric", "max"])
def test_parts_of_a_sound_that_does_not_change_say_what_the_whole_says(tagger_of, monkeypatch, kind, pool):
    def level(self: Tagger, pieces, pads=None, turns=(1,), **_):
        return np.array([[[piece[: len(piece) // 2].mean(), -1.0, 2.0]] for piece in pieces], np.float32)

    monkeypatch.setattr(Tagger, "listen", level)
    constant = [np.full(9000, 0.3, np.float32)]
    whole = tagger_of().clip_logits(constant, ["a"])
    parts = {"lengths_s": [0.2, 0.7], "across": pool} if kind == "windows" else {}
    found = tagger_of(hearing={"kind": kind, "pool": pool, **parts}).clip_logits(constant, ["a"])
    np.testing.assert_allclose(found, whole, rtol=1e-5)


def test_means_are_of_what_they_are_called(tagger_of):
    wave = wave_of(4000)
    apart = tagger_of().logits([wave[:2000], wave[2000:]]).astype(float)
    found = {
        pool: tagger_of(hearing={"kind": "slices", "pool": pool}).clip_logits([wave], ["a"])[0]
        for pool in ("mean", "probability", "geometric", "max")
    }
    np.testing.assert_allclose(found["mean"], apart.mean(0), atol=1e-5)
    np.testing.assert_allclose(found["max"], apart.max(0), atol=1e-5)
    np.testing.assert_allclose(expit(found["probability"]), expit(apart).mean(0), atol=1e-5)
    np.testing.assert_allclose(expit(found["geometric"]), np.sqrt(expit(apart).prod(0)), atol=1e-5)


def test_segments_are_filled_up_with_silence(tagger_of):
    wave = wave_of(5000)
    apart = tagger_of().logits([wave[:2000], wave[2000:4000], np.pad(wave[4000:], (0, 1000))])
    found = tagger_of(hearing="segments").clip_logits([wave], ["a"])[0]
    np.testing.assert_allclose(found, apart.mean(0), atol=1e-5)
    short = tagger_of(hearing="segments").clip_logits([wave[:700]], ["a"])
    np.testing.assert_allclose(short, tagger_of().logits([np.pad(wave[:700], (0, 1300))]), atol=1e-5)


def test_padding_of_silence_is_silence_around_the_clip(tagger_of):
    wave = wave_of(5000)
    padded = tagger_of().logits([np.pad(wave, (pad, pad)) for pad in (80, 640)])
    found = tagger_of(hearing={"kind": "padded", "pads_s": [0.01, 0.08]}).clip_logits([wave], ["a"])[0]
    np.testing.assert_allclose(expit(found), expit(padded).mean(0), atol=1e-5)
    nothing = tagger_of(hearing={"kind": "padded", "pads_s": [0]}).clip_logits([wave], ["a"])
    assert np.array_equal(nothing, tagger_of().clip_logits([wave], ["a"]))


def test_a_short_clip_is_made_long_enough_before_it_is_padded(tagger_of):
    wave = wave_of(700)
    wanted = tagger_of().logits([np.pad(np.resize(wave, 2000), (800, 800))])
    found = tagger_of(hearing={"kind": "padded", "pads_s": [0.1]}).clip_logits([wave], ["a"])
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_floor_is_that_of_the_clip_in_decibels(tagger_of):
    """Columns of max(loudest - 80, -100) dB around the picture, which is then standardised, as the source has it."""
    tagger, wave = tagger_of(), wave_of(5000)
    mel = tagger.view.frontends[0][0]
    with torch.inference_mode():
        batch = mel(waves(torch.from_numpy(wave)[None], torch.tensor([5000]), RATE_HZ, ("a",), 3))
        db = 10 * batch.values.clamp(min=1e-10).log10()
        db = torch.maximum(db, db.max() - 80)
        rows = []
        for n_frames in (5, 40):
            picture = functional.pad(db, (n_frames, n_frames), value=max(float(db.max()) - 80, -100.0))
            picture = (picture - picture.mean()) / (picture.std(correction=0) + 1e-7)
            looked = batch.changed(values=picture, lengths=torch.tensor([picture.shape[3]]), padded=False)
            rows.append(tagger.network(looked).numpy()[0])
    hearing = {"kind": "padded", "fill": "floor", "pads_s": [0.05, 0.4]}
    found = tagger_of(hearing=hearing).clip_logits([wave], ["a"])[0]
    np.testing.assert_allclose(expit(found), expit(np.stack(rows)).mean(0), atol=1e-4)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("high", [False, True])
def test_corners_are_enlarged_as_torch_samples_a_grid(high, late, backwards):
    batch = features(module.build_view((), module.Spec("features", 100.0, 2, 9)).spec, (23, 23))
    found = enlarged(batch, Corner(1.35, high, late, backwards)).values
    shift = 1 - 1 / 1.35
    matrix = torch.tensor([[1 / 1.35, 0, shift * (2 * late - 1)], [0, 1 / 1.35, shift * (2 * high - 1)]])
    grid = functional.affine_grid(matrix.expand(2, -1, -1), list(batch.values.shape), align_corners=True)
    wanted = functional.grid_sample(batch.values, grid, align_corners=True)
    torch.testing.assert_close(found, wanted.flip(3) if backwards else wanted, atol=1e-4, rtol=0)


def test_a_corner_of_a_padded_clip_is_its_own():
    batch = features(module.Spec("features", 100.0, 1, 8), (31, 12, 1))
    for corner in (Corner(1.35, False, True, True), Corner(2.0, True, False, False)):
        found = enlarged(batch, corner)
        for row, n in enumerate((31, 12, 1)):
            single = enlarged(alone(batch, row), corner).values[0]
            torch.testing.assert_close(found.values[row, ..., :n], single)
            assert not found.values[row, ..., n:].any()


def test_the_weight_of_the_plain_picture(tagger_of):
    wave = [wave_of(6000)]
    plain = expit(tagger_of().clip_logits(wave, ["a"]))
    only = expit(tagger_of(hearing={"kind": "corners", "beta": 0}).clip_logits(wave, ["a"]))
    both = expit(tagger_of(hearing={"kind": "corners", "beta": 0.4}).clip_logits(wave, ["a"]))
    np.testing.assert_allclose(both, 0.4 * plain + 0.6 * only, atol=1e-5)
    assert np.abs(plain - only).max() > 1e-3
    assert np.array_equal(expit(tagger_of(hearing={"kind": "corners", "beta": 1}).clip_logits(wave, ["a"])), plain)
    assert len(set(takes(hearing_of("corners").plan(500, EAR, "a")))) == 9


def test_several_ways_have_their_weights(tagger_of):
    wave = [wave_of(6000)]
    ways = ["whole", {"kind": "slices", "n": 1}]
    one, other = (expit(tagger_of(hearing=way).clip_logits(wave, ["a"])) for way in ways)
    both = tagger_of(hearing={"kind": "several", "of": ways, "weights": [3, 1]}).clip_logits(wave, ["a"])
    np.testing.assert_allclose(expit(both), 0.75 * one + 0.25 * other, atol=1e-5)
    assert float(logit(0.5)) == 0


@pytest.mark.parametrize(
    ("hearing", "fault"),
    [
        ({"kind": "slices", "length_s": 2}, "asks for 2 s at once, but inference.window_s is 1 s"),
        (
            {"kind": "padded", "of": {"kind": "windows", "lengths_s": [0.5, 3]}},
            "hearing 'windows' asks for 3 s at once",
        ),
        ({"kind": "slices", "where": "even"}, "give n"),
        ({"kind": "several", "of": ["whole"], "weights": [1, 2]}, "as many as ways of hearing, got 2 for 1"),
        ({"kind": "several", "of": ["whole", "crops"], "weights": [1, 2], "pool": "max"}, "a maximum knows no weights"),
        ("slize", "no hearing of kind 'slize'; did you mean 'slices'"),
    ],
)
def test_what_cannot_be_heard_is_refused_in_words(tagger_of, hearing, fault):
    with pytest.raises(SettingsError, match=fault):
        tagger_of().using(hearing=hearing)


@pytest.mark.parametrize("hearing", ["corners", {"kind": "padded", "fill": "floor"}])
def test_nets_on_waves_have_no_pictures(tagger_of, hearing):
    settings = tagger_of().settings
    ear = settings.inference.ear((Waveform(),), RATE_HZ, Crop())
    with pytest.raises(SettingsError, match=r"this view (gives waves|does not have)"):
        read(InferenceSettings, {"hearing": hearing}).hearing.check(ear)


def test_the_same_weights_serve_every_way(tagger_of):
    tagger = tagger_of()
    other = tagger.using(hearing={"kind": "padded"}, window_s=2)
    assert other.network is tagger.network and other.settings.inference.window_s == 2
    assert tagger.settings.inference.hearing.kind == "whole"


@pytest.mark.parametrize("precision", ["bfloat16", "float16", "auto"])
def test_half_precision_is_near_and_in_order(tagger_of, precision):
    clips = clips_of((5000, 8000, 9000))
    exact = predict(tagger_of(hearing="padded"), clips).scores
    fast = predict(tagger_of(hearing="padded", precision=precision), clips).scores
    assert fast.dtype == np.float32
    assert np.abs(exact - fast).max() < (0.02 if precision == "float16" else 0.1) * np.abs(exact).max()


def test_numbers_too_large_for_half_precision_are_refused(tagger_of):
    tagger = tagger_of(precision="float16")
    with torch.no_grad():
        for parameter in tagger.network.encoder.parameters():
            parameter.mul_(1e4)
    with pytest.raises(DataError, match="float16 may have overflowed"):
        tagger.logits([wave_of(8000)])


def test_patience_changes_batches_and_no_score(tagger_of):
    clips = clips_of((4000, 4100, 4400, 5000, 8000, 8100, 900))
    few = {"highest": 0.2, "batches": 2, "clips_a_batch": 7}
    found = predict(tagger_of(patience=few), clips).scores
    np.testing.assert_allclose(found, predict(tagger_of(), clips).scores, atol=1e-4)
    sizes = [len(group) for group in tagger_of(patience=few).grouped([4000, 4100, 4400, 5000, 8000, 8100, 2000])]
    assert sizes == [2, 1, 3, 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "hearing", ["whole", {"kind": "slices", "hop_s": 0.2}, {"kind": "padded", "of": "windows"}, "crops"]
)
def test_a_stream_takes_the_memory_of_a_few_windows(tagger_of, monkeypatch, hearing):
    if isinstance(hearing, dict) and "of" in hearing:
        hearing = {**hearing, "of": {"kind": "windows", "lengths_s": [0.5, 1.0]}}
    tagger = tagger_of(hearing=hearing)
    n_blocks, block = 600, 4000  # five minutes
    heard: list[int] = []
    whole = Tagger.listen

    def watch(self, pieces, *rest, **more):
        heard.append(sum(map(len, pieces)))
        return whole(self, pieces, *rest, **more)

    monkeypatch.setattr(Tagger, "listen", watch)
    taken = 0

    def blocks():
        nonlocal taken
        rng = np.random.default_rng(0)
        for _ in range(n_blocks):
            taken += 1
            yield (0.1 * rng.standard_normal(block)).astype(np.float32)

    n_samples = n_blocks * block if tagger.settings.inference.hearing.needs_length else None
    (stretch,) = hear_stream(tagger, blocks(), "a", n_samples=n_samples)
    assert stretch.n_samples == n_blocks * block and np.isfinite(stretch.logits).all()
    assert max(heard) <= 8000 and taken == n_blocks


def test_stretches_of_a_stream_are_clips_of_their_own(tagger_of, wav_files):
    file = wav_files(20_123)[0]
    for hearing in ("whole", {"kind": "slices"}, "padded"):
        tagger = tagger_of(hearing=hearing)
        found = tagger.file_stretches(file, "a", stretch_samples=9000)
        assert [stretch.n_samples for stretch in found] == [9000, 9000, 2123]
        (wave,) = (np.round(w * 32768).astype(np.float32) / 32768 for w in tones((20_123,)).values())
        wanted = tagger.clip_logits([wave[:9000], wave[9000:18_000], wave[18_000:]], ["a", "a#1", "a#2"])
        np.testing.assert_allclose(np.stack([stretch.logits for stretch in found]), wanted, atol=1e-4)


def test_a_stream_that_ends_too_early_is_refused(tagger_of):
    with pytest.raises(DataError, match="the audio ends after 3000 samples"):
        hear_stream(tagger_of(hearing="slices"), [np.zeros(3000, np.float32)], "a", n_samples=9000)
