"""Which encoder is measured at which size, and that all of them are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).resolve().parents[2]))

from bench import encoders
from bench.encoders import PROCESSOR, SMALLER, candidate
from earmark.core.errors import SettingsError
from earmark.models.encoders.encoder import Encoder

MEMBERS = dict(Encoder.members())


def test_sizes_are_the_published_ones_unless_they_are_too_much():
    one = candidate("skip_cnn", PROCESSOR)
    assert one.encoder == Encoder.named("skip_cnn")() and "smaller" not in one.note
    assert 2 <= one.n_clips <= 16 and one.n_frames == 254 and "5.73 M parameters" in one.note


def test_what_is_too_much_is_replaced_or_refused(monkeypatch):
    tight = PROCESSOR._replace(multiply_adds_a_step=1e9)
    monkeypatch.setitem(SMALLER, "skip_cnn", {"widths": (4, 8)})
    one = candidate("skip_cnn", tight)
    assert one.encoder == Encoder.named("skip_cnn")(widths=(4, 8))
    assert "smaller than published ({'widths': (4, 8)}), as that has 4 G multiply-adds a clip" in one.note
    monkeypatch.delitem(SMALLER, "skip_cnn")
    with pytest.raises(SettingsError, match="a clip is 4 G multiply-adds, and there is no smaller size of 'skip_cnn'"):
        candidate("skip_cnn", tight)


def test_what_is_left_out_is_said(monkeypatch):
    two = {kind: MEMBERS[kind] for kind in ("plain_cnn", "skip_cnn")}
    monkeypatch.setattr(Encoder, "members", classmethod(lambda cls: two))
    monkeypatch.setattr(encoders, "PROCESSOR", PROCESSOR._replace(multiply_adds_a_step=1e9, most=2))
    monkeypatch.setattr(encoders, "CLIP_S", 0.25)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rows = encoders.measure()
    assert [row.what.split(":")[0] for row in rows] == ["plain_cnn, training", "plain_cnn, in use"]
    assert "left out: skip_cnn on cpu (a clip is" in rows[-1].note
    assert all(row.lowest > 0 for row in rows)


@pytest.mark.parametrize("kind", list(MEMBERS))
def test_every_encoder_has_a_size(kind):
    one = candidate(kind, PROCESSOR, quick=True)
    assert one.n_clips == 2 and one.n_frames >= one.encoder.shortest(one.spec)
