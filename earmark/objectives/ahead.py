"""What an encoder hears step by step, and from where on it has not heard: for terms that predict what comes.

A net that is not causal hears beyond the frame of the maps that it makes, by half of its receptive field and more. Who
asks it for the next frame asks for what it has heard. So predictions are counted from where hearing ends, which is
measured (`earmark.models.counting.window`); it cannot be where recurrence, attention or gates hear the whole clip, but
then the clip can be cut into segments that are heard one by one (``model.segments``).

Some things know of the whole clip all the same, if only on average: batch norm in training, and front ends that
normalise over the clip. And the frames of a front end overlap, so the nearest of those not heard are partly known.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.counting import window
from earmark.models.encoders.encoder import Encoded
from earmark.models.layers.masks import Lengths
from earmark.models.network import ModelSettings


class Earshot(NamedTuple):
    """Which frames (or samples) of the input step t hears: from ``t * stride + first`` to ``t * stride + last``."""

    stride: int
    first: int
    last: int

    @property
    def apart(self) -> int:
        """How many steps further on there is a step that hears nothing of what this one does.

        >>> Earshot(stride=4, first=-6, last=9).apart
        4
        """
        return (self.last - self.first) // self.stride + 1


def earshot(model: ModelSettings, spec: Spec, who: str, advice: str = "") -> Earshot:
    """How far each step hears, in a network of these settings.

    Args:
        who: the term that asks.
        advice: what else may be done where it is not known.

    Raises:
        SettingsError: a step hears the whole clip.
    """
    if model.segments is not None:
        return Earshot(model.segments.frames, 0, model.segments.frames - 1)
    with torch.random.fork_rng(devices=[]):
        found = window(model.encoder, spec)
    if found is None:
        raise SettingsError(
            f"{who} predicts what has not been heard yet, but encoder '{model.encoder.kind}' hears the whole clip at "
            "once; let it hear segments one by one (model.segments), or take an encoder without recurrence, attention "
            f"and gates{advice}"
        )
    return Earshot(stride_of(model, spec), found.first, found.last)


def stride_of(model: ModelSettings, spec: Spec) -> int:
    """Frames (or samples) of the input from one step to the next."""
    if model.segments is not None:
        return model.segments.frames
    with torch.device("meta"):
        return model.encoder.build(spec).stride


def fewest_for(n_steps: int, model: ModelSettings, spec: Spec) -> int:
    """As many frames (or samples) as certainly give this many steps."""
    beyond = (n_steps - 1) * stride_of(model, spec)
    return beyond + 1 if model.segments is not None else beyond + model.encoder.shortest(spec)


def steps_of(encoded: Encoded, model: ModelSettings) -> tuple[Float[Tensor, "batch time channels freq"], Lengths]:
    """What was heard at each step, and how many steps are signal: frames of the maps, or means of segments."""
    maps, lengths = encoded.maps, encoded.lengths
    if model.segments is not None:
        n = encoded.taps[0].maps.shape[3]
        maps = maps.reshape(*maps.shape[:3], -1, n).mean(dim=4)
        lengths = None if lengths is None else torch.div(lengths, n, rounding_mode="floor")
    return maps.permute(0, 3, 1, 2), lengths
