"""What augmentation costs: a training step with the augmentations of a recipe against the same step without them.

Both run the whole loop of a training on the processor, as ``earmark train`` does by itself: random crops of 2 s from
the store, the view, a skip net of 1.5 M parameters forwards and backwards, and Adam. The note says which share of the
time of a step is spent on augmentation.
"""

from __future__ import annotations

import copy
import statistics
import tempfile
from pathlib import Path

import numpy as np
import torch

from bench.row import Row, take_turns
from bench.sounds import clips
from bench.studies.arm import PLAIN
from bench.training_step import SMALL, epochs, objective_of
from earmark.core.spec import Spec
from earmark.signal.view import build_view
from earmark.stages.recipe import read_recipe
from earmark.training.devices import precision_named

_NET = "model.encoder.widths=[32, 64, 128, 256]"
_LOG_MEL = "{kind: log_mel, mel: {hop_samples: 694, n_mels: 64, fmax_hz: 22050}}"
_MIX_AND_MASK = "{kind: mixup}, {kind: frequency_mask, widest_bands: 12}, {kind: time_mask}"
VIEWS = {
    "mixup and masks of features": f"{_LOG_MEL}, {_MIX_AND_MASK}",
    "waves superposed, shifted, with noise and gain": (
        f"{{kind: superpose}}, {{kind: shift}}, {{kind: noise}}, {{kind: gain}}, {_LOG_MEL}"
    ),
    "chain of reverb, pitch, overdrive and speed, p .75, mixup and masks": (
        f"{{kind: effects, p: 0.75}}, {_LOG_MEL}, {_MIX_AND_MASK}"
    ),
}
"""Views by what they are called on the page."""


def measure(quick: bool = False) -> list[Row]:
    """One row a view."""
    n_steps, n_turns = (1, 1) if quick else (4, 5)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        recordings = clips(np.full(8 if quick else 128, 3.0), Path(folder))
        for name, view in VIEWS.items():
            changes = (*(SMALL if quick else (_NET,)), f"training.steps_per_epoch={n_steps}", "training.device=cpu")
            recipe = read_recipe(PLAIN, (f"view=[{view}]", *changes))
            plain = read_recipe(PLAIN, (f"view=[{_LOG_MEL}]", *changes))
            precision = precision_named("auto", torch.device("cpu"))
            objective = objective_of(recipe)
            bare = copy.deepcopy(objective)
            bare.view = build_view(plain.view, Spec("wave", plain.pack.rate_hz))
            ways = [
                epochs(settings, each, recordings, precision, torch.channels_last).__next__
                for settings, each in ((recipe, objective), (plain, bare))
            ]
            ours, theirs = take_turns(ways, n_turns, n_steps * recipe.streams["curated"].batch_size)
            share = 1 - statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
            note = f"{max(share, 0):.0%} of the step is augmentation"
            rows.append(Row.of(name, "the same step without", "clips a second", ours, theirs, note))
    return rows
