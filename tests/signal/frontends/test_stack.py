"""Front ends side by side: what comes out, what cannot be stacked, and how the parts learn."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import RunError, SettingsError
from earmark.core.settings import read
from earmark.signal.fitting import next_learner
from earmark.signal.frontends.decibel import Decibel
from earmark.signal.frontends.deltas import Deltas
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.mel import Mel
from earmark.signal.frontends.mfcc import MFCC
from earmark.signal.frontends.normalise import Normalise
from earmark.signal.frontends.pcen import PCEN
from earmark.signal.frontends.stack import Stack
from earmark.signal.step import FrontEnd, Spec
from earmark.signal.view import build_view, check

WAVE = Spec("wave", 16000.0)
MEL = Mel(n_fft=512, hop_samples=160, n_mels=32)
LEARNED = Normalise(over="global", per_band=True)
Part = tuple[FrontEnd, ...]


def some(n: int = 4, seed: int = 0) -> Batch:
    values = torch.randn(n, 4000, generator=torch.Generator().manual_seed(seed)) * 0.1
    lengths = torch.tensor([4000, 2222, 160, 1][:n])
    values[torch.arange(4000) >= lengths[:, None]] = 0.0
    return waves(values, lengths, 16000.0, tuple(map(str, range(n))), 2)


def fitted(part: Part, batches: list[Batch]) -> torch.nn.Module:
    view = build_view(part, WAVE)
    view.fit(batches)
    return view


def test_channels_are_those_of_the_parts_in_order():
    parts: tuple[Part, ...] = (
        (LogMel(mel=MEL), Deltas(orders=1)),
        (MEL, PCEN()),
        (Mel(n_fft=1024, hop_samples=160, n_mels=32), Decibel()),
    )
    batch, stack = some(), Stack(parts=parts)
    out = build_view((stack,), WAVE)(batch)
    assert stack.after(WAVE) == Spec("features", 100.0, 4, 32)
    separate = [build_view(part, WAVE)(batch) for part in parts]
    assert torch.equal(out.values, torch.cat([each.values for each in separate], dim=1))
    assert torch.equal(out.lengths, separate[0].lengths)
    assert (out.domain, out.rate_hz, out.ids) == ("features", 100.0, batch.ids)


def test_an_empty_part_is_the_input_itself():
    steps = (MEL, Decibel(), Stack(parts=((), (MFCC(n_mfcc=32),))))
    batch = some()
    out, plain = (build_view(view, WAVE)(batch).values for view in (steps, steps[:2]))
    assert torch.equal(out[:, :1], plain)
    assert torch.equal(out[:, 1:], build_view((*steps[:2], MFCC(n_mfcc=32)), WAVE)(batch).values)


def test_power_may_be_stacked_and_compressed_together():
    wider = Mel(n_fft=1024, hop_samples=160, n_mels=32)
    together = (Stack(parts=((MEL,), (wider,))), Decibel(top_db=None))
    assert check(together, WAVE) == Spec("features", 100.0, 2, 32)
    out = build_view(together, WAVE)(some()).values
    assert torch.equal(out[:, 1:], build_view((wider, Decibel(top_db=None)), WAVE)(some()).values)


def test_parts_with_other_bands_are_interpolated(shared_data):
    wave, rate = soundfile.read(shared_data / "fixtures/00c4e82c.wav", dtype="float32")
    batch = waves(torch.from_numpy(wave)[None], torch.tensor([len(wave)]), rate, ("clip",), 1)
    mfcc: Part = (Mel(), Decibel(), MFCC(n_mfcc=20))
    stack = Stack(parts=((LogMel(),), mfcc), n_bands=128)
    out = build_view((stack,), Spec("wave", rate))(batch).values[0]
    assert stack.after(Spec("wave", rate)).n_bands == 128 == out.shape[1]
    assert torch.equal(out[0], build_view((LogMel(),), Spec("wave", rate))(batch).values[0, 0])
    own = build_view(mfcc, Spec("wave", rate))(batch).values[0, 0].numpy()
    theirs = np.apply_along_axis(lambda column: np.interp(np.linspace(0, 19, 128), np.arange(20), column), 0, own)
    np.testing.assert_allclose(out[1], theirs, rtol=1e-4, atol=1e-4 * np.abs(own).max())


@pytest.mark.parametrize(
    "beside",
    [
        [{"kind": "stft", "n_fft": 1024, "hop_samples": 512}, "log"],
        [{"kind": "chroma", "hop_samples": 512}, {"kind": "normalise", "over": "global"}],
        [{"kind": "cqt", "hop_samples": 512}, "decibel", "deltas"],
    ],
    ids=["stft", "chroma", "cqt"],
)
def test_spectra_chroma_and_constant_q_go_beside_log_mel(beside):
    log_mel = {"kind": "log_mel", "mel": {"hop_samples": 512}}
    spec, stack = Spec("wave", 44100.0), read(Stack, {"parts": [[log_mel], beside], "n_bands": 64})
    wave = torch.randn(2, 30000, generator=torch.Generator().manual_seed(0)) * 0.1
    wave[1, 9999:] = 0.0
    view = build_view((stack,), spec)
    batch = waves(wave, torch.tensor([30000, 9999]), 44100.0, ("long", "short"), 1)
    view.fit([batch])
    out = view(batch)
    assert out.values.shape == (2, stack.after(spec).n_channels, 64, 1 + 30000 // 512)
    assert out.lengths.tolist() == [1 + 30000 // 512, 1 + 9999 // 512]
    assert bool(out.values.isfinite().all()) and not out.values[1, ..., 1 + 9999 // 512 :].any()


def test_parts_learn_what_they_would_learn_alone():
    parts: tuple[Part, ...] = ((MEL, Decibel(), LEARNED), (LogMel(mel=MEL),), (LogMel(mel=MEL, normalise=LEARNED),))
    batches = [some(4), some(2, seed=1)]
    view = build_view((Stack(parts=parts),), WAVE)
    assert view.needs_fit
    with pytest.raises(RunError, match="fit the view"):
        view(batches[0])
    assert view.fit(iter(batches)) == 6  # One pass is enough where each part learns once.
    assert not view.needs_fit
    separate = [fitted(part, batches)(batches[0]).values for part in parts]
    torch.testing.assert_close(view(batches[0]).values, torch.cat(separate, dim=1))


def test_stacks_in_stacks_learn_in_as_many_passes_as_it_takes():
    once: Part = (MEL, Decibel(), LEARNED)
    twice: Part = (*once, Deltas(orders=1), Normalise(over="global"))
    stack = Stack(parts=(twice, (Stack(parts=(once, twice)), Normalise(over="origin"))))
    batches = [some(4), some(3, seed=1)]
    passes = []

    class Counted(list[Batch]):
        def __iter__(self):
            passes.append(len(self))
            return super().__iter__()

    view = build_view((stack, Normalise(over="global")), WAVE)
    assert view.fit(Counted(batches)) == 7
    assert len(passes) == 4  # In the stack two and then the one behind the inner stack; then the one behind the stack.
    inner = fitted((*stack.parts[1],), batches)(batches[0]).values
    outer = fitted(twice, batches)(batches[0]).values
    before = torch.cat([outer, inner], dim=1)
    torch.testing.assert_close(view.frontends[0](batches[0]).values, before)
    other = build_view((stack, Normalise(over="global")), WAVE)
    other.load_state_dict(view.state_dict())
    assert next_learner(other.frontends)[1] is None
    assert torch.equal(other(batches[0]).values, view(batches[0]).values)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"parts": [["log_mel"], [{"kind": "mel", "hop_samples": 512}, "decibel"]]},
            r"parts 0 \(log_mel\) and 1 \(mel, decibel\) side by side, but they have 127.089 and 86.1328 frames a sec",
        ),
        (
            {"parts": [["log_mel"], ["mel", "decibel", "mfcc"]]},
            r"parts 0 \(log_mel\) and 1 \(mel, decibel, mfcc\) .* have 128 and 20 bands; set n_bands",
        ),
        ({"parts": [["log_mel"], ["mel"]]}, r"but they give features and power; compress or normalise both"),
        ({"parts": [["log_mel"], []]}, r"wave comes out of part 1 \(the input\); put a front end that gives frames"),
        ({"parts": [["log_mel"], ["mel", "mel"]]}, r"parts\.1\.1 \(mel\): mel takes wave, but power comes in"),
    ],
)
def test_what_cannot_lie_side_by_side_is_refused_with_both_named(settings, said):
    with pytest.raises(SettingsError, match=said):
        check((read(Stack, settings),), Spec("wave", 44100.0))


def test_no_parts_and_augmentations_as_parts_are_refused():
    with pytest.raises(SettingsError, match="parts"):
        read(Stack, {"parts": []})
    with pytest.raises(SettingsError, match="no frontend of kind 'gain'"):
        read(Stack, {"parts": [["gain", "log_mel"]]})


class Late(FrontEnd, kind="late"):
    """Leaves out the first frame, which its spec cannot say."""

    def after(self, spec: Spec) -> Spec:
        return spec

    def build(self, spec: Spec) -> torch.nn.Module:
        class Later(torch.nn.Module):
            def forward(self, batch: Batch) -> Batch:
                return batch.changed(values=batch.values[..., 1:], lengths=batch.lengths - 1)

        return Later()


def test_parts_that_turn_out_to_have_other_frames_are_refused_when_they_do():
    stack = Stack(parts=((MEL, PCEN()), (MEL, PCEN(), Late())))
    with pytest.raises(RunError, match=r"as many frames from each part, got \[26, 25\]"):
        build_view((stack,), WAVE)(some())
