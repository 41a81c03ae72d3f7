"""A training in two processes, each of which prints its losses and the sum of its weights as one line of JSON."""

from __future__ import annotations

import json
import os
import sys

from earmark.core.chance import Chance
from earmark.data.crops import Crop
from earmark.data.streams import Stream, StreamSettings
from earmark.objectives.objective import Part
from earmark.objectives.terms.supervised import Supervised
from earmark.training.devices import fabric_for
from earmark.training.fit import fit
from earmark.training.learner import Learner
from earmark.training.settings import TrainingSettings
from tests.tiny import MODEL, clips_of, objective_of


def main(optimizer: str) -> None:
    settings = TrainingSettings.model_validate(
        {
            "epochs": 3,
            "steps_per_epoch": 2,
            "device": "cpu",
            "devices": 2,
            "precision": "float32",
            "optimizer": {"kind": optimizer},
            "average": 0.9,
            "clip_norm": 1.0,
        }
    )
    fabric = fabric_for(settings)
    # In the first step the second head has no weight, and so no gradient.
    parts = {"labels": Part(), "noisy": Part(term=Supervised(head="noisy"), ramp_epochs=2)}
    heads = {"main": MODEL.heads["main"], "noisy": MODEL.heads["main"]}
    learner = Learner(
        objective_of(parts, MODEL.model_copy(update={"heads": heads})), settings.optimizer, settings.average
    )
    stream = Stream(
        "curated",
        StreamSettings(batch_size=4, crop=Crop(length_s=0.5)),
        clips_of((4000,) * 24),
        Chance(0),
        rank=fabric.global_rank,
        world_size=fabric.world_size,
    )
    losses = [epoch.losses for epoch in fit(fabric, learner, {"curated": stream}, settings, Chance(0))]
    weights = [float(parameter.detach().sum()) for parameter in learner.objective.network.parameters()]
    # One write, so that lines of two processes cannot run into one another.
    os.write(1, (json.dumps({"losses": losses, "weights": weights}) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1])
