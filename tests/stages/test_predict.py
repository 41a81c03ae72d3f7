"""Guesses about noisy clips: whose say counts, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from earmark.core.errors import DataError, RunError
from earmark.core.manifest import Manifest
from earmark.data.crops import Crop
from earmark.data.pack_settings import PackSettings
from earmark.data.tables import read_embeddings, read_predictions, write_predictions
from earmark.inference.settings import TaggerSettings
from earmark.inference.tagger import Tagger
from earmark.runs.folder import RunFolder
from earmark.stages import predict as stage
from earmark.stages.predict import guess, guess_noisy, members_of
from earmark.stages.show import Silent
from tests.stages.test_finished_runs import run_at
from tests.stages.test_mean_of_runs import CLASSES, part
from tests.tiny import MODEL, RATE_HZ, VIEW, Memory, stirred, tones


def test_single_tables_are_members_of_a_mean(tmp_path: Path) -> None:
    for fold in (0, 1):
        run = run_at(tmp_path / f"fold-{fold}", [])
        write_predictions(part(fold, a=1.0), run.predictions("noisy"))
    assert [place.parent.parent.name for place in members_of(tmp_path)] == ["fold-0", "fold-1"]
    assert members_of(tmp_path / "fold-0") == []
    write_predictions(part(0, a=1.0), tmp_path / "fold-0" / "predictions" / "noisy-epoch-0002.parquet")
    assert [place.stem for place in members_of(tmp_path)] == ["noisy-epoch-0002", "noisy"]


def manifest() -> Manifest:
    clips = {
        "id": ["a", "b", "c"],
        "file": ["a", "b", "c"],
        "origin": ["noisy", "noisy", "curated"],
        "group": ["g", "g", "g"],
    }
    return Manifest.of(pl.DataFrame(clips), classes=CLASSES)


@pytest.mark.parametrize(
    ("learnt", "fault", "kind"),
    [
        (None, "does not say what it has learnt from", RunError),
        (["a", "b"], "has learnt from all noisy clips, so nobody can judge them", DataError),
        (["b"], "has learnt from all noisy clips", DataError),
    ],
    ids=["unknown past", "learnt", "learnt from its group"],
)
def test_who_has_learnt_from_a_clip_has_no_say(
    tmp_path: Path, learnt: list[str] | None, fault: str, kind: type[Exception]
) -> None:
    run_at(tmp_path, learnt)
    with pytest.raises(kind, match=fault):
        guess_noisy(tmp_path, manifest(), None, Silent())  # type: ignore[arg-type]  # refused before anything is heard
    assert json.loads((tmp_path / "learnt.json").read_text())["clips"] == learnt


def test_trusted_labels_give_no_doubtful_one_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, ...]] = []

    def by_run(run: RunFolder, asked: object, wanted: Manifest, *_: object) -> tuple[list[Path], None]:
        heard.append(wanted.ids)
        write_predictions(part(0, a=1.0, b=2.0), run.predictions("noisy"))
        return [run.predictions("noisy")], None

    monkeypatch.setattr(stage, "guesses_of_run", by_run)
    run_at(tmp_path, ["c"])
    made = guess_noisy(tmp_path, manifest(), None, Silent())  # type: ignore[arg-type]  # nothing is read from a store
    assert heard == [("a", "b")] and (made.n_clips, made.n_unheard) == (2, 0)


def test_a_net_that_is_left_in_training_says_something_else_and_the_tables_say_so(tmp_path: Path) -> None:
    """As a filter of 2019 had it; vectors are as in use, whatever the guesses are."""
    torch.manual_seed(0)
    settings = TaggerSettings(
        classes=CLASSES,
        pack=PackSettings(rate_hz=RATE_HZ),
        view=VIEW,
        model=MODEL,
        crop=Crop(length_s=0.25),
        run="tiny",
    )
    run, tagger = run_at(tmp_path / "run", []), Tagger.build(settings)
    stirred(tagger.network)
    tagger.save(run.tagger)
    store, names = Memory(tones((4000, 5000, 6000))), [f"clip {i}" for i in range(3)]
    wanted = Manifest.of(pl.DataFrame({"id": names, "file": names, "origin": "noisy"}), classes=CLASSES)
    curated = Manifest.of(pl.DataFrame({"id": ["c"], "file": ["clip 0"], "origin": "curated"}), classes=CLASSES)

    def made(name: str, **how: object) -> np.ndarray:
        asked = {"into": tmp_path / name, "trusted": curated, **how}
        guess(run.path, wanted, store, Silent(), **asked)  # type: ignore[arg-type]  # a store in memory
        found = read_predictions(tmp_path / name / "predictions" / "noisy.parquet")
        assert found.provenance.get("in_training", False) == bool(how) and found.provenance["out_of_fold"] is True
        return np.asarray(found.scores)

    used, training = made("use"), made("training", legacy_in_training=True)
    assert np.abs(used - training).max() > 0.1
    vectors = [read_embeddings(tmp_path / name / "embeddings.parquet").vectors for name in ("use", "training")]
    np.testing.assert_array_equal(*vectors)
