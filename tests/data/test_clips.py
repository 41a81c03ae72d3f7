from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from earmark.core.errors import DataError
from earmark.core.manifest import ORIGINS, Manifest
from earmark.data.clips import Clips
from earmark.data.packing import pack
from earmark.data.store import Store
from tests.tiny import Memory

STORE = Memory({"long.wav": np.zeros(80000, np.float32), "short.wav": np.zeros(1234, np.float32)})


def manifest_of(*clips: dict, labels: tuple[tuple[str, str], ...] = ()) -> Manifest:
    said = pl.DataFrame({"clip": [c for c, _ in labels], "label": [name for _, name in labels]}) if labels else None
    return Manifest.of(pl.DataFrame(list(clips)), said, classes=("a", "b"))


def test_spans_are_in_samples_of_the_store():
    clips = Clips.of(
        manifest_of(
            {"id": "whole", "file": "short.wav", "start_s": 0.0, "end_s": None},
            {"id": "middle", "file": "long.wav", "start_s": 1.0, "end_s": 2.5},
            {"id": "tail", "file": "long.wav", "start_s": 9.0, "end_s": 99.0},
        ),
        STORE,
    )
    assert clips.ids == ("middle", "tail", "whole")
    assert clips.files == ("long.wav", "long.wav", "short.wav")
    assert clips.starts.tolist() == [8000, 72000, 0]
    assert clips.n_samples.tolist() == [12000, 8000, 1234]
    assert clips.missing == () and len(clips) == 3


def test_labels_and_origins_stand_in_the_order_of_the_clips():
    clips = Clips.of(
        manifest_of(
            {"id": "2", "file": "long.wav", "origin": "noisy"},
            {"id": "1", "file": "short.wav", "origin": "curated"},
            labels=(("2", "b"), ("1", "a")),
        ),
        STORE,
    )
    assert clips.targets.tolist() == [[1, 0], [0, 1]] and clips.known.all()
    assert [ORIGINS[code] for code in clips.origins] == ["curated", "noisy"]


def test_what_the_store_does_not_hold_is_left_out_and_named():
    clips = Clips.of(
        manifest_of(
            {"id": "beyond", "file": "short.wav", "start_s": 0.5},
            {"id": "here", "file": "short.wav", "start_s": 0.0},
            {"id": "nowhere", "file": "bad.wav", "start_s": 0.0},
        ),
        STORE,
    )
    assert clips.ids == ("here",) and clips.missing == ("beyond", "nowhere")
    assert clips.n_samples.min() > 0


def test_a_store_that_holds_none_of_them_is_refused_with_the_reason(root, folder):
    (root / "bad.wav").write_text("dear diary")
    pack(["bad.wav"], root, folder, workers=1)
    bad, other = {"id": "x", "file": "bad.wav"}, {"id": "y", "file": "other.wav"}
    with pytest.raises(DataError, match=r"all 1 clips are in quarantine, first 'bad\.wav': .*mend the files"):
        Clips.of(manifest_of(bad), Store.open(folder))
    with pytest.raises(DataError, match=r"none of 2 clips is in the store .*pack them first"):
        Clips.of(manifest_of(bad, other), Store.open(folder))


def test_no_clips_are_no_clips():
    empty = manifest_of({"id": "x", "file": "long.wav"}).where(origin="noisy")
    assert len(Clips.of(empty, STORE)) == 0


def test_rows_keep_everything_together():
    manifest = manifest_of(
        *({"id": f"{i}", "file": "long.wav", "start_s": float(i)} for i in range(5)), labels=(("3", "b"),)
    )
    some = Clips.of(manifest, STORE).rows([3, 0, 3])
    assert some.ids == ("3", "0", "3") and some.starts.tolist() == [24000, 0, 24000]
    assert some.targets.tolist() == [[0, 1], [0, 0], [0, 1]]
