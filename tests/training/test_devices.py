from __future__ import annotations

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.training.devices import device_named, fabric_for, has_bfloat16, precision_named
from earmark.training.settings import TrainingSettings


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a processor and nothing else."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has one GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize("asked", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(bare, asked):
    with pytest.raises(SettingsError, match=f"device '{asked}' was asked for, but this machine has cpu;"):
        device_named(asked)
    with pytest.raises(SettingsError, match=asked):
        fabric_for(TrainingSettings(device=asked))


def test_auto_takes_what_is_there(bare):
    assert device_named("auto") == device_named("cpu") == torch.device("cpu")


def test_auto_prefers_a_gpu(with_gpu):
    assert device_named("auto") == torch.device("cuda")
    assert device_named("cpu") == torch.device("cpu")
    with pytest.raises(SettingsError, match="cpu and cuda"):
        device_named("mps")


def test_more_gpus_than_there_are_are_refused(with_gpu):
    with pytest.raises(SettingsError, match="asks for 2 devices, but this machine has 1 "):
        fabric_for(TrainingSettings(device="cuda", devices=2, precision="float32"))


def test_precision_is_what_was_asked_for_or_what_the_processor_can_do(monkeypatch):
    cpu = torch.device("cpu")
    assert [precision_named(asked, cpu) for asked in ("float32", "bfloat16")] == ["float32", "bfloat16"]
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    for there, name in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda there=there: there)
        assert has_bfloat16(cpu) is there
        assert precision_named("auto", cpu) == name
    assert precision_named("auto", torch.device("mps")) == "float32"


@pytest.mark.parametrize(("asked", "name"), [("float32", "32-true"), ("bfloat16", "bf16-mixed")])
def test_fabric_computes_where_and_as_it_is_told(bare, asked, name):
    fabric = fabric_for(TrainingSettings(precision=asked))
    assert fabric.device == torch.device("cpu") and fabric.world_size == 1
    assert fabric._precision.precision == name
