"""Fully connected layers from a pooled vector to logits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.models.layers.convolution import ActivationName, activation
from earmark.models.layers.cosine import CosineLinear

NormPlace = Literal["none", "before", "after"]
"""Where batch norm stands: nowhere, before the activation, or after it."""


class Perceptron(nn.Sequential):
    """Dropout, then hidden layers of linear, activation, batch norm and dropout, then a linear layer to the classes.

    With ``input_norm`` a batch norm comes first of all.

    Args:
        n_in: numbers that come in.
        hidden: units of each hidden layer.
        n_out: classes.
        act: the activation.
        norm: see `NormPlace`.
        slopes: whether a PReLU has one slope or one for each unit.
        input_norm: whether what comes in goes through batch norm.
        input_dropout: share of what comes in that is dropped in training.
        dropout: share of the units of each hidden layer that is dropped in training, one number a layer.
        prior: the probability that every class starts from; none starts at one half. Most labels are absent, and a net
            that starts by saying so need not spend its first epochs on learning it.
        cosine: where given, the last layer answers by angles, see `CosineLinear`, and this is its scale.
    """

    def __init__(
        self,
        n_in: int,
        hidden: Sequence[int],
        n_out: int,
        *,
        act: ActivationName = "relu",
        norm: NormPlace = "none",
        slopes: Literal["one", "each"] = "one",
        input_norm: bool = False,
        input_dropout: float = 0.0,
        dropout: Sequence[float] = (),
        prior: float | None = None,
        cosine: float | None = None,
    ) -> None:
        layers: list[nn.Module] = [nn.BatchNorm1d(n_in)] if input_norm else []
        layers.append(nn.Dropout(input_dropout))
        for units, share in zip(hidden, dropout, strict=True):
            steps = [activation(act, units if slopes == "each" else 1)]
            if norm != "none":
                steps.insert(0 if norm == "before" else 1, nn.BatchNorm1d(units))
            layers += [nn.Linear(n_in, units), *steps, nn.Dropout(share)]
            n_in = units
        last: nn.Module = nn.Linear(n_in, n_out) if cosine is None else CosineLinear(n_in, n_out, cosine)
        if prior is not None and isinstance(last, nn.Linear):
            nn.init.constant_(last.bias, math.log(prior / (1 - prior)))
        super().__init__(*layers, last)
        self.normed = input_norm or (norm != "none" and bool(hidden))

    def forward(self, pooled: Tensor) -> Tensor:
        """Logits [batch, classes] from [batch, n_in].

        Raises:
            SettingsError: batch norm is to learn from one clip, which has no spread.
        """
        if self.training and self.normed and len(pooled) < 2:
            raise SettingsError(
                "a head with batch norm learns from how the clips of a batch differ and needs 2 or more, got 1; "
                "raise streams.*.batch_size"
            )
        logits: Tensor = super().forward(pooled)  # type: ignore[no-untyped-call]
        return logits
