"""Training on a published encoder, from a folder: it is fetched once, and its tagger needs the folder no more."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
import torch

import earmark as package
from earmark.demo.dataset import DemoSettings, generate
from tests.cli.conftest import train_arguments
from tests.contracts.test_encoders import AST

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="needs the extra: pip install 'earmark[pretrained]'"
)


def test_a_frozen_encoder_is_fetched_once_and_kept_in_the_tagger(earmark, tmp_path: Path) -> None:
    import transformers

    there = transformers.ASTModel(transformers.ASTConfig(**AST | {"num_mel_bins": 16}))
    there.save_pretrained(tmp_path / "published")
    generate(tmp_path / "sounds", DemoSettings(size=0.02), workers=1)
    config = ", ".join(f"{name}: {value}" for name, value in there.config.to_dict().items() if name in AST)
    encoder = f"{{kind: hugging_face, model: '{tmp_path / 'published'}', frozen: true, config: {{{config}}}}}"
    arguments = [each for each in train_arguments(tmp_path / "sounds", tmp_path) if "encoder.widths" not in str(each)]
    arguments.remove("-s")
    changes = (f"model.encoder={encoder}", "training.epochs=1", "streams.curated.batch_size=4")
    said = earmark(*arguments, *[part for change in changes for part in ("-s", change)])
    assert said.code == 0, said.err
    shutil.rmtree(tmp_path / "published")
    net = package.load(tmp_path / "run").network.encoder.net
    for name, value in there.state_dict().items():
        assert torch.equal(net.state_dict()[name], value), name
