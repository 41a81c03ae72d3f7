"""How features change over time."""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from earmark.dsp.deltas import derivative_taps, filtered, held
from earmark.signal.frontends.exact import ToFeatures
from earmark.signal.step import FrontEnd, Spec


class Deltas(FrontEnd, kind="deltas"):
    """Appends the first derivative over time, and the second, as channels: [x, delta, delta-delta].

    Derivatives are those of the line or parabola that fits the neighbouring frames best (Savitzky and Golay), per frame
    and not per second; beyond its ends a clip stays as it is there. The same as ``librosa.feature.delta`` with
    ``mode="nearest"``, for clips of any length.
    """

    orders: Literal[1, 2] = 2
    """Up to which derivative."""
    width_frames: Annotated[int, Field(ge=3)] = 9
    """Over how many frames; odd."""

    @model_validator(mode="after")
    def _has_a_middle(self) -> Self:
        if self.width_frames % 2 == 0:
            raise ValueError(
                f"width_frames must be odd, so that there is a frame in the middle, got {self.width_frames}; "
                "make it one more or one less"
            )
        return self

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "features")
        return Spec("features", spec.rate_hz, spec.n_channels * (1 + self.orders), spec.n_bands)

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Derivatives(self)


class _Derivatives(ToFeatures):
    def __init__(self, settings: Deltas) -> None:
        super().__init__()
        self.side_frames = settings.width_frames // 2
        self.taps = [derivative_taps(settings.width_frames, order + 1) for order in range(settings.orders)]

    def n_channels(self, came: int) -> int:
        return came * (1 + len(self.taps))

    def features(self, values: Tensor, lengths: Tensor | None, origins: Tensor) -> Tensor:
        longer = held(values, self.side_frames, lengths)
        return torch.cat([values, *(filtered(longer, taps) for taps in self.taps)], dim=1)
