"""Every encoder learns and tags from a recipe written as text, with every head, loss, term and optimizer in turn."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earmark.core.settings import read
from earmark.inference.predict import predict
from earmark.losses.loss import Loss
from earmark.models.encoders.encoder import Encoder
from earmark.objectives.term import Term
from earmark.stages.beginning import begin
from earmark.stages.recipe import Recipe
from earmark.training.devices import fabric_for
from earmark.training.fit import fit
from earmark.training.learner import Learner
from earmark.training.optimizers.optimizer import Optimizer
from earmark.training.use import weights_of_use
from tests.contracts.test_encoders import SMALL, marks_of
from tests.some_terms import CLASSES, guesses
from tests.tiny import RATE_HZ, clips_of

HEADS: list[dict[str, Any]] = [
    {"kind": "mean_max", "hidden": 8},
    {"kind": "pooled", "hidden": [8], "dropout": 0.1},
    {"kind": "attention"},
    {"kind": "linear_softmax"},
    {"kind": "recurrent", "units": 8, "layers": 1, "hidden": [8]},
]
AVERAGES = [None, 0.9, {"kind": "swa", "from_share": 0.1, "every_steps": 1, "refresh_batches": 2}]
LOG_MEL = {"kind": "log_mel", "mel": {"n_fft": 256, "hop_samples": 80, "n_mels": 19, "fmin_hz": 50, "fmax_hz": 4000}}
FORESEEING = ("apc", "cpc")
"""Terms that not every encoder can serve; they have tests of their own."""
TERMS = [kind for kind in Term.members() if kind not in ("supervised", *FORESEEING)]
"""Those that learn from noisy clips beside the labels of the curated ones."""
CROP_S = {"envnet_v2": 2.8}
number = count()
CASES = [
    pytest.param({"kind": kind, **settings}, next(number), id=f"{kind}-{i}", marks=marks_of(kind))
    for kind in Encoder.members()
    for i, settings in enumerate(SMALL.get(kind, [{}]))
]


def term_of(i: int, folder: Path) -> dict[str, Any]:
    """A part with one term after the other; a step further each round, so that each meets other partners."""
    kind = TERMS[(i + i // len(TERMS)) % len(TERMS)]
    settings = {"guesses": {"file": str(guesses(folder / "guesses.parquet"))}} if kind == "pseudo_labels" else {}
    streams = ["curated", "noisy"] if Term.named(kind).least_streams > 1 else ["noisy"]
    return {"streams": streams, "weight": 0.5, "term": {"kind": kind, **settings}}


def recipe_of(encoder: dict[str, Any], i: int, folder: Path) -> Recipe:
    takes = Encoder.named(encoder["kind"]).takes
    losses, optimizers = list(Loss.members()), list(Optimizer.members())
    loss, head = losses[i % len(losses)], HEADS[i % len(HEADS)]
    if (scale := Loss.named(loss)().scale_of_cosines) is not None:
        head = {"kind": "pooled", "cosine": scale}
    crop = {"length_s": CROP_S.get(encoder["kind"], 0.6)}
    written = {
        "pack": {"rate_hz": RATE_HZ},
        "view": [] if takes == "wave" else [LOG_MEL],
        "model": {"encoder": encoder, "heads": {"main": head}},
        "streams": {
            "curated": {"batch_size": 4, "crop": crop},
            "noisy": {"origins": {"noisy": 1}, "batch_size": 2, "crop": crop},
        },
        "objective": {"labels": {"term": {"kind": "supervised", "loss": loss}}, "hearsay": term_of(i, folder)},
        "training": {
            "epochs": 2,
            "steps_per_epoch": 1,
            "optimizer": {"kind": optimizers[i % len(optimizers)]},
            "average": AVERAGES[i % len(AVERAGES)],
            "precision": "bfloat16" if i % 2 else "float32",
        },
        "inference": {"precision": "float32"},
    }
    return read(Recipe, written, what="recipe")


@pytest.mark.parametrize(("encoder", "i"), CASES)
def test_two_steps_and_the_tags_of_clips_of_any_length(encoder: dict[str, Any], i: int, tmp_path: Path) -> None:
    recipe = recipe_of(encoder, i, tmp_path)
    clips = clips_of((9000, 5000, 4001, 1000, 120, 30_000, 6000, 3000, 8000), origins=[0] * 6 + [1] * 3)
    fabric = fabric_for(recipe.training)
    start = begin(recipe, CLASSES, clips, "run", fabric, None)
    start.fit_view()
    learner = Learner(start.objective, recipe.training.optimizer, recipe.training.average)
    before = [parameter.detach().clone() for parameter in learner.objective.network.parameters()]
    epochs = list(fit(fabric, learner, start.streams, recipe.training, start.chance))
    assert len(epochs) == 2 and all(np.isfinite(list(epoch.losses.values())).all() for epoch in epochs)
    assert all(set(epoch.signs) == {"hearsay"} for epoch in epochs)
    after = list(learner.objective.network.parameters())
    assert any(not one.equal(other) for one, other in zip(before, after, strict=True))
    weights = weights_of_use(fabric, learner, start.streams, recipe.training, start.chance)
    start.tagger.network.load_state_dict(weights)
    scores = predict(start.tagger, clips.rows(range(6))).scores
    assert scores.shape == (6, 3) and bool(np.isfinite(scores).all())


def test_every_term_meets_several_encoders(tmp_path: Path) -> None:
    met = [term_of(i, tmp_path)["term"]["kind"] for i in range(len(CASES))]
    assert len(TERMS) >= 8 and all(met.count(kind) >= 2 for kind in TERMS)
