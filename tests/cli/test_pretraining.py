"""An encoder that learns without labels, and a tagger that begins with it, as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from earmark.core.yaml_text import dump
from earmark.runs.checkpoints import load
from earmark.stages.recipe import read_recipe
from tests.cli.conftest import TINY

QUICK = ("training.epochs=1", "training.steps_per_epoch=3", "model.encoder.skip=false")
NOISY = {"origins": {"noisy": 1.0}, "batch_size": 8, "crop": {"length_s": 2.0}}


@pytest.fixture(params=["cpc", "apc"])
def foreseeing(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A recipe that learns from noisy clips what comes next, and nothing else."""
    data = read_recipe("demo", (*TINY, *QUICK)).model_dump(mode="json")
    term = {"kind": request.param, "steps" if request.param == "cpc" else "frames": 4}
    data |= {"streams": {"noisy": NOISY}, "objective": {"comes": {"streams": ["noisy"], "term": term}}}
    place = tmp_path / "foreseeing.yaml"
    place.write_text(dump(data))
    return place


def arguments(recipe: object, sounds: Path, out: Path, *more: str) -> list[object]:
    return ["train", recipe, "--data", sounds, "--out", out, "--store", out.parent / "store", *more]


def test_an_encoder_learns_alone_and_another_recipe_begins_with_it(earmark, sounds, tmp_path, foreseeing) -> None:
    out = tmp_path / "encoder"
    said = earmark(*arguments(foreseeing, sounds, out, "--fold", "0"))
    assert said.code == 0 and "No part of the objective trains head 'main'" in said.err
    assert "lwlrap" not in said.err + said.out and not list(out.glob("predictions/*"))
    facts = json.loads((out / "run.json").read_text())
    assert facts["finished"] and facts["taught"] is False and json.loads((out / "scores.json").read_text()) == []
    row = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
    assert {"accuracy", "error"} & set(row["signs"]["comes"]) and "held_out_lwlrap" not in row
    assert "so there are no scores" in (out / "report.html").read_text()

    said = earmark("score", out, "--truth", sounds)
    assert said.code == 3 and "nothing taught head 'main' there" in said.err
    said = earmark("tag", out, next((sounds / "train_curated").glob("*")))
    assert said.code == 4 and "taught head 'main' nothing" in said.err
    said = earmark("predict", out, "--store", tmp_path / "store")
    assert said.code != 0 and "lwlrap" not in said.out and not list(out.glob("predictions/*"))

    start = f"model.start={{weights: '{out}', heads: fresh}}"
    changes = [part for each in (*TINY, *QUICK, start, "training.optimizer.lr=1e-12") for part in ("-s", each)]
    said = earmark(*arguments("demo", sounds, tmp_path / "run", "--fold", "0", *changes))
    assert said.code == 0 and "begins with" in said.err and "lwlrap" in said.out + said.err
    before, after = (load(place / "tagger.safetensors")[0] for place in (out, tmp_path / "run"))
    name = "network/encoder.blocks.0.convolutions.0.weight"
    torch.testing.assert_close(after[name], before[name])


@pytest.mark.parametrize("foreseeing", ["cpc"], indirect=True)
def test_each_fold_may_have_its_encoder(earmark, sounds, tmp_path, foreseeing) -> None:
    said = earmark(*arguments(foreseeing, sounds, tmp_path / "each", "--fold", "each"))
    assert said.code == 0 and "lwlrap" not in said.err + said.out
    again = earmark(*arguments(foreseeing, sounds, tmp_path / "each", "--fold", "each"))
    assert again.code == 0 and "finished already" in again.err
    said = earmark("score", tmp_path / "each", "--truth", sounds)
    assert said.code == 3 and "nothing taught head 'main' there" in said.err
