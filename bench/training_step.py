"""A training step of the skip net: bfloat16 and channels-last against plain float32, everything else the same.

Both run the whole loop of a training on the processor as the recipe has it: random crops of 2 s from the store,
decibels in mel bands as pictures of three equal channels, half of the clips mixed with others, the net forwards and
backwards with binary cross-entropy, and Adam. One goes as ``earmark train`` goes by itself (bfloat16 where the
processor has instructions for it, weights in channels-last layout), the other in float32 with torch's usual layout. The
recipes are ``s0`` (128 mel bands, blocks 64, 128, 256 and 512 channels wide) and a narrower one (64 bands, blocks half
as wide).
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from bench.row import Row, take_turns
from bench.sounds import N_CLASSES, clips
from earmark.core.chance import Chance
from earmark.core.spec import Spec
from earmark.data.clips import Clips
from earmark.data.streams import Stream
from earmark.models.network import n_parameters
from earmark.objectives.objective import Objective
from earmark.signal.view import build_view
from earmark.stages.recipe import Recipe, read_recipe
from earmark.training.devices import fabric_for, precision_named
from earmark.training.fit import Epoch, fit
from earmark.training.learner import Learner

NETS: dict[str, tuple[str, ...]] = {
    "recipe `s0`": (),
    "narrower `s0`": ("view.0.mel.n_mels=64", "model.encoder.widths=[32, 64, 128, 256]"),
}
"""What is measured by what it is called on the page, each the recipe s0 with changes."""
SMALL = ("streams.curated.batch_size=4", "streams.curated.crop.length_s=0.5")


def measure(quick: bool = False) -> list[Row]:
    """One row a net."""
    n_steps, n_turns = (1, 1) if quick else (2, 3)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        recordings = clips(np.full(8 if quick else 128, 3.0), Path(folder))
        for name, changes in NETS.items():
            recipe = read_recipe(
                "s0",
                (*changes, *(SMALL if quick else ()), f"training.steps_per_epoch={n_steps}", "training.device=cpu"),
            )
            stream = recipe.streams["curated"]
            precision = precision_named("auto", torch.device("cpu"))
            objective = objective_of(recipe)
            plain = epochs(recipe, copy.deepcopy(objective), recordings, "float32", torch.contiguous_format)
            fast = epochs(recipe, objective, recordings, precision, torch.channels_last)
            ours, theirs = take_turns([fast.__next__, plain.__next__], n_turns, n_steps * stream.batch_size)
            note = f"{stream.batch_size} clips a step, {n_parameters(objective.network) / 1e6:.1f} M parameters"
            what = f"{name}: {precision}, channels-last"
            rows.append(Row.of(what, "float32, NCHW", "clips a second", ours, theirs, note))
    return rows


def objective_of(recipe: Recipe) -> Objective:
    """What a training with this recipe minimises, with fresh weights."""
    torch.manual_seed(recipe.seed)
    view = build_view(recipe.view, Spec("wave", recipe.pack.rate_hz))
    return Objective(recipe.objective, view, recipe.model.build(view.spec, N_CLASSES))


def epochs(
    recipe: Recipe, objective: Objective, recordings: Clips, precision: str, layout: torch.memory_format
) -> Iterator[Epoch]:
    """A training that goes on by an epoch each time it is asked."""
    objective.network.to(memory_format=layout)  # type: ignore[call-overload]
    settings = recipe.training.model_copy(update={"precision": precision})
    chance = Chance(recipe.seed)
    streams = {name: Stream(name, stream, recordings, chance) for name, stream in recipe.streams.items()}
    learner = Learner(objective, settings.optimizer, settings.average)
    return fit(fabric_for(settings), learner, streams, settings, chance)
