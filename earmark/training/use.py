"""The weights of a training as they are meant to be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from earmark.core.chance import Chance
from earmark.data.streams import Stream
from earmark.models.statistics import batch_norms, statistics_anew
from earmark.objectives.objective import Step
from earmark.training.learner import Learner

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from earmark.training.settings import TrainingSettings


def weights_of_use(
    fabric: Fabric, learner: Learner, streams: Mapping[str, Stream], settings: TrainingSettings, chance: Chance
) -> dict[str, Tensor]:
    """The network's tensors for use: averaged where there is an average, and with statistics that fit them.

    Where the average says so, batch-norm statistics are taken anew over batches of the training (P. Izmailov et al.,
    2018), which are the same each time. The learner is left as it was, to the last bit.
    """
    weights = learner.network_state()
    n = learner.average.settings.refresh_batches if learner.average is not None and learner.average.n_taken else 0
    if not n or not batch_norms(learner.objective.network):
        return weights
    objective = learner.objective.to(fabric.device)
    own = {name: value.clone() for name, value in objective.state_dict().items()}
    objective.network.load_state_dict(weights)
    objective.train()
    try:
        with torch.no_grad(), fabric.autocast(), statistics_anew(objective.network):
            for number in range(n):
                here = chance.at("refresh", rank=fabric.global_rank, number=number)
                batches = {name: stream.batch(number).to(fabric.device) for name, stream in streams.items()}
                torch.manual_seed(here.at("dropout").number())
                objective(Step(batches, here, float(learner.epoch), settings.augments(max(0, learner.epoch - 1))))
        return {name: value.clone() for name, value in objective.network.state_dict().items()}
    finally:
        objective.load_state_dict(own)
