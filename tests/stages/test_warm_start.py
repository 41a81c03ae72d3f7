"""Beginning with the weights of another run: which file, whose classes, and who may judge what comes of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import torch
from safetensors.torch import save_file

from earmark.core.errors import RunError, SettingsError
from earmark.core.manifest import Manifest
from earmark.models.encoders.resnet import ResNet
from earmark.models.network import ModelSettings
from earmark.models.weights import Start
from earmark.runs.checkpoints import save
from earmark.runs.folder import RunFolder
from earmark.stages.warm_start import find_weights, note_learnt
from tests.tiny import MODEL, view_and_network

IDS = tuple("abcdef")
CLIPS = {"id": IDS, "file": IDS, "group": ["g", None, None, "g", None, None]}
MANIFEST = Manifest.of(pl.DataFrame(CLIPS), classes=("x", "y", "z"))


def parts_of(training: str, held_out: str | None = None, test: str | None = None):
    def clips(ids):
        return None if ids is None else SimpleNamespace(ids=tuple(ids))

    return SimpleNamespace(training=clips(training), held_out=clips(held_out), put_aside=None, test=clips(test))


def run_of(path: Path, learnt: str | None = "bc", seed: int = 0) -> RunFolder:
    """A finished run that has learnt from these clips; none: one that did not note it."""
    run = RunFolder(path)
    run.claim("abc", {}, {"fold": 0})
    if learnt is not None:
        note_learnt(run, MANIFEST, parts_of(learnt), None)
    tensors = {f"network/{k}": v for k, v in view_and_network(seed=seed)[1].state_dict().items()}
    save(run.tagger, tensors, {"tagger": {"classes": list(MANIFEST.classes), "model": MODEL.model_dump(mode="json")}})
    return run


def found(path: Path, fold: int | None = 0, **start):
    warm = find_weights(Start(weights=str(path), **start), fold)
    assert warm is not None
    return warm


def test_a_run_gives_its_tagger_with_its_classes_and_its_past(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    warm = found(run.path)
    assert warm.path == run.tagger and warm.classes == ("x", "y", "z") and warm.learnt == {"b", "c"}
    network = view_and_network(seed=5)[1]
    warm.into(network, MODEL, MANIFEST.classes)
    assert torch.equal(next(network.parameters()), next(view_and_network(seed=0)[1].parameters()))
    assert warm.name != found(run_of(tmp_path / "other", seed=1).path).name
    assert find_weights(None, 0) is None


def test_weights_of_another_encoder_are_refused_with_both_named(tmp_path: Path) -> None:
    run, other = run_of(tmp_path / "run"), ModelSettings(encoder=ResNet(layers=18, width=0.0625), heads=MODEL.heads)
    network = view_and_network(other)[1]
    with pytest.raises(
        SettingsError, match="are of encoder 'skip_cnn', but the recipe has 'resnet'; take that encoder"
    ):
        found(run.path).into(network, other, MANIFEST.classes)
    fitting = found(run.path, strict="none").into(network, other, MANIFEST.classes)
    assert fitting.taken and all(name.startswith("heads.") for name in fitting.taken)


def test_a_checkpoint_gives_its_average_where_it_has_one(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    tensors = {"objective/network.w": torch.zeros(1), "average/w": torch.ones(1), "optimizer/0/x": torch.ones(1)}
    for averaged in (0, 3):
        save(run.last, tensors, {"learner": {"averaged": averaged}, "history": []})
        warm = found(run.last)
        assert list(warm.tensors) == ["w"] and float(warm.tensors["w"]) == (averaged > 0)
        assert warm.classes == ("x", "y", "z") and warm.learnt == {"b", "c"}


def test_of_one_run_a_fold_the_same_fold_is_taken(tmp_path: Path) -> None:
    for fold in (0, 1):
        run_of(tmp_path / f"fold-{fold}", seed=fold)
    assert found(tmp_path, 1).path == tmp_path / "fold-1" / "tagger.safetensors"
    with pytest.raises(RunError, match="holds one run a fold, and no fold is held out; name one"):
        found(tmp_path, None)
    with pytest.raises(RunError, match=r"fold-7' holds no finished run"):
        found(tmp_path, 7)


def test_weights_that_know_a_judge_are_refused(tmp_path: Path) -> None:
    warm = found(run_of(tmp_path / "run", learnt="bcd").path)
    assert warm.n_leaked(MANIFEST, parts_of("bcd", "e", "f")) == 0
    for judged in (("b", None), (None, "c"), ("e", "bf")):
        with pytest.raises(SettingsError, match="have learnt from 1 of the clips that are to judge them"):
            warm.n_leaked(MANIFEST, parts_of("d", *judged))
    with pytest.raises(SettingsError, match="such as 'd'"):  # which is of the same group as the judge
        warm.n_leaked(MANIFEST, parts_of("bc", "a"))
    assert found(warm.path, leak=True).n_leaked(MANIFEST, parts_of("d", "b")) == 1


def test_a_leak_is_handed_down(tmp_path: Path) -> None:
    first = found(run_of(tmp_path / "first", learnt="bc").path, leak=True)
    second = run_of(tmp_path / "second", learnt=None)
    note_learnt(second, MANIFEST, parts_of("de"), first)
    assert found(second.path).learnt == {"b", "c", "d", "e"}
    with pytest.raises(SettingsError, match="such as 'b'"):
        found(second.path).n_leaked(MANIFEST, parts_of("de", "b"))


def test_an_unknown_past_is_no_clean_one(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", learnt=None)
    with pytest.raises(SettingsError, match="is not noted beside them"):
        found(run.path).n_leaked(MANIFEST, parts_of("bc", "a"))
    assert found(run.path).n_leaked(MANIFEST, parts_of("bc")) == 0, "nobody judges"
    warm = found(run.path, leak=True)
    assert warm.n_leaked(MANIFEST, parts_of("bc", "a")) is None
    after = run_of(tmp_path / "after", learnt=None)
    note_learnt(after, MANIFEST, parts_of("bc"), warm)
    assert found(after.path).learnt is None


def test_weights_of_others_are_believed_and_said_to_be_unknown(tmp_path: Path) -> None:
    place = tmp_path / "net.safetensors"
    save_file({"w": torch.ones(2)}, str(place))
    warm = found(place)
    assert warm.foreign and warm.classes is None and list(warm.tensors) == ["w"]
    assert warm.n_leaked(MANIFEST, parts_of("bc", "a")) is None
    after = run_of(tmp_path / "after", learnt=None)
    note_learnt(after, MANIFEST, parts_of("bc"), warm)
    assert found(after.path).learnt == {"b", "c"}


def test_weights_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no checkpoint"):
        found(tmp_path / "none.safetensors")
    with pytest.raises(RunError, match="holds no finished run to begin with"):
        found(tmp_path)
