from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from earmark.core.errors import DataError, RunError
from earmark.runs import checkpoints
from earmark.runs.checkpoints import load, must_fit, put_back, save
from tests.tiny import same_tensors

FACTS = {"epoch": 3, "history": [{"loss": 0.1 + 0.2}], "nothing": None, "words": "ünïcode"}


def tensors() -> dict[str, torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    return {
        "a/float": torch.randn(3, 4, generator=chance),
        "a/channels_last": torch.randn(2, 3, 4, 5, generator=chance).to(memory_format=torch.channels_last),
        "b/counter": torch.tensor(7),
        "b/flag": torch.tensor(True),
        "b/half": torch.randn(5, generator=chance).bfloat16(),
        "b/none": torch.zeros(0, 3),
        "b/odd": torch.tensor([float("inf"), -0.0, 1e-45]),
    }


def test_what_was_saved_comes_back_to_the_last_bit(tmp_path):
    save(tmp_path / "new" / "it.safetensors", tensors(), FACTS)
    found, facts = load(tmp_path / "new" / "it.safetensors")
    assert same_tensors(found, tensors())
    assert {name: value.dtype for name, value in found.items()} == {n: v.dtype for n, v in tensors().items()}
    assert facts == {**FACTS, "version": checkpoints.VERSION}


def test_what_is_trained_may_be_saved_and_goes_its_own_way(tmp_path):
    weight = nn.Parameter(torch.ones(3))
    save(tmp_path / "it", {"weight": weight}, {})
    found = load(tmp_path / "it")[0]["weight"]
    with torch.no_grad():
        weight.fill_(2)
        found.fill_(3)
    assert load(tmp_path / "it")[0]["weight"].tolist() == [1, 1, 1]


def test_a_checkpoint_that_was_loaded_survives_being_replaced(tmp_path):
    save(tmp_path / "it", {"x": torch.ones(1000)}, {})
    found, _ = load(tmp_path / "it")
    save(tmp_path / "it", {"x": torch.zeros(1000)}, {})
    assert bool((found["x"] == 1).all())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("torn"), OSError(errno.ENOSPC, "full")])
def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch, error):
    save(tmp_path / "it", tensors(), FACTS)

    def torn(tensors, filename, metadata) -> None:
        Path(filename).write_bytes(b"half of it")
        raise error

    monkeypatch.setattr(checkpoints, "save_file", torn)
    with pytest.raises(DataError if isinstance(error, OSError) else type(error)):
        save(tmp_path / "it", {}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert same_tensors(load(tmp_path / "it")[0], tensors())


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_a_file_that_was_cut_off_is_refused_in_words(tmp_path, share):
    save(tmp_path / "it", tensors(), FACTS)
    whole = (tmp_path / "it").read_bytes()
    (tmp_path / "it").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(RunError, match=r"is not a readable checkpoint .*restore it or train again"):
        load(tmp_path / "it")


def test_what_is_not_a_checkpoint_of_ours_is_refused_in_words(tmp_path):
    with pytest.raises(RunError, match="there is no checkpoint"):
        load(tmp_path / "nowhere")
    with pytest.raises(RunError, match="there is no checkpoint"):
        load(tmp_path)
    (tmp_path / "text").write_text("weights, honestly")
    with pytest.raises(RunError, match="not a readable checkpoint"):
        load(tmp_path / "text")
    for metadata in (None, {"format": "pt"}):
        save_file({"x": torch.ones(2)}, str(tmp_path / "foreign"), metadata=metadata)
        with pytest.raises(RunError, match="written by something else"):
            load(tmp_path / "foreign")
    for damaged in ("{", "[]", "3"):
        save_file({"x": torch.ones(2)}, str(tmp_path / "damaged"), metadata={"earmark": damaged})
        with pytest.raises(RunError, match=r"damaged|version"):
            load(tmp_path / "damaged")


def test_another_version_is_refused_with_both_named(tmp_path, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr(checkpoints, "VERSION", 2)
        save(tmp_path / "it", {}, {"version": 1})
    with pytest.raises(RunError, match="has version 2, but this earmark reads version 1; use the earmark that"):
        load(tmp_path / "it")


def test_the_path_is_attached(tmp_path):
    with pytest.raises(RunError) as raised:
        load(tmp_path / "nowhere")
    assert raised.value.path == tmp_path / "nowhere"


def test_tensors_of_another_module_are_refused_by_name():
    module = nn.Linear(3, 2)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    for wrong, words in (
        ({"weight": state["weight"]}, "'bias' is not in the checkpoint"),
        ({**state, "more": state["bias"]}, "'more' is in the checkpoint but not in the network"),
        ({**state, "bias": torch.zeros(5)}, r"'bias' is \(5,\) there and \(2,\) here"),
    ):
        with pytest.raises(RunError, match=words):
            put_back(module, wrong)
        with pytest.raises(RunError, match=words):
            must_fit(state, wrong)
    put_back(module, {name: value + 1 for name, value in state.items()})
    assert torch.equal(module.bias.detach(), state["bias"] + 1)
