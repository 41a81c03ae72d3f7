"""Training that begins with the weights of another run, as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from earmark.runs.checkpoints import load
from tests.cli.conftest import train_arguments


def test_a_run_begins_with_another_of_the_same_fold(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    start = f"model.start={{weights: '{trained / 'run'}', strict: all}}"
    changes = [part for each in (start, "training.optimizer.lr=1e-12", "training.epochs=1") for part in ("-s", each)]
    arguments = [*train_arguments(sounds, tmp_path), *changes]
    said = earmark(*arguments, "--fold", "2")
    assert said.code == 2 and "have learnt from" in said.err and not (tmp_path / "run").exists()
    said = earmark(*arguments, "--fold", "0")
    assert said.code == 0 and "begins with" in said.err and "tensors taken" in said.err
    (before, _), (after, _) = (load(work / "run" / "tagger.safetensors") for work in (trained, tmp_path))
    name = "network/encoder.blocks.0.convolutions.0.weight"
    torch.testing.assert_close(after[name], before[name])
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["start"]["n_leaked"] == 0 and "first weights" not in (tmp_path / "run" / "report.html").read_text()
    assert facts["external_data"] == [] and "external data" in (tmp_path / "run" / "report.html").read_text()
    learnt = [json.loads((work / "run" / "learnt.json").read_text()) for work in (trained, tmp_path)]
    assert learnt[0] == learnt[1] and len(learnt[0]["clips"]) > 10
    assert "finished already" in earmark(*arguments, "--fold", "0").err, "the same weights are the same run"


def test_a_leak_that_is_wanted_is_noted(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    change = f"model.start={{weights: '{trained / 'run'}', leak: true}}"
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "2", "-s", change, "-s", "training.epochs=1"))
    assert said.code == 0
    assert "Its first weights had learnt from" in (tmp_path / "run" / "report.html").read_text()


def test_other_weights_make_another_run(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "weights.safetensors"
    copy.write_bytes((trained / "run" / "tagger.safetensors").read_bytes())
    change = f"model.start={{weights: '{copy}', leak: true}}"
    arguments = train_arguments(sounds, tmp_path, "--fold", "0", "-s", change, "-s", "training.epochs=1")
    assert earmark(*arguments).code == 0
    copy.write_bytes((tmp_path / "run" / "tagger.safetensors").read_bytes())
    said = earmark(*arguments)
    assert said.code == 4 and "made with other settings" in said.err
