"""What heads share that end in fully connected layers: which maps they look at, and the settings of the layers."""

from abc import ABC
from typing import Literal, Self

from pydantic import Field, model_validator

from earmark.core.errors import SettingsError
from earmark.models.encoders.encoder import Encoded, EncoderModule, Shape
from earmark.models.heads.head import Head
from earmark.models.layers.convolution import ActivationName
from earmark.models.layers.perceptron import NormPlace, Perceptron


class Layered(Head, ABC):
    """A head whose last part is a `Perceptron`."""

    taps: bool = False
    """Whether it looks at each tap of the encoder instead of the last maps."""
    hidden: tuple[int, ...] | Literal["same"] = ()
    """Units of each hidden layer, if any; ``same`` is one layer of as many as come in."""
    dropout: tuple[float, ...] | float = 0.0
    """Share of each hidden layer dropped in training; one number for all, or one a layer."""
    input_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of what comes in dropped in training."""
    act: ActivationName = "relu"
    """The activation of the hidden layers."""
    slopes: Literal["one", "each"] = "each"
    """Whether a PReLU has one slope or one for each unit."""
    norm: NormPlace = "none"
    """Where the batch norm of hidden layers stands."""
    input_norm: bool = False
    """Whether what comes in goes through batch norm first."""
    prior: float | None = Field(None, gt=0, lt=1)
    """Probability that every class starts from; null starts at one half."""
    cosine: float | None = Field(None, gt=0)
    """Lets the last layer answer by angles, as loss ``arcface`` wants it: this times the cosine between a clip and each
    class; 30 is usual. Null: a linear layer."""

    @model_validator(mode="after")
    def _one_dropout_a_layer(self) -> Self:
        if isinstance(self.dropout, tuple) and len(self.dropout) != self.n_hidden:
            raise ValueError(
                f"{self.n_hidden} hidden layers need as many numbers in dropout, got {len(self.dropout)}; "
                "give one for each, or one number for all"
            )
        if any(not 0 <= share < 1 for share in self.dropouts):
            raise ValueError(f"dropout is a share from 0 to below 1, got {self.dropout}")
        if self.cosine is not None and self.prior is not None:
            raise ValueError(
                "a last layer that answers by angles has no bias to start from; leave out prior, or cosine"
            )
        return self

    @property
    def n_hidden(self) -> int:
        """How many hidden layers."""
        return 1 if self.hidden == "same" else len(self.hidden)

    @property
    def dropouts(self) -> tuple[float, ...]:
        """One share a hidden layer."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,) * self.n_hidden

    def shapes(self, encoder: EncoderModule) -> tuple[Shape, ...]:
        """What the maps that it looks at look like.

        Raises:
            SettingsError: it is to look at taps, and the encoder has none.
        """
        if not self.taps:
            return (encoder.shape,)
        if not encoder.taps:
            raise SettingsError(f"head '{self.kind}' looks at taps, but this encoder has none; set taps: false")
        return encoder.taps

    def parts(self, encoded: Encoded) -> tuple[Encoded, ...]:
        """The maps that it looks at."""
        return encoded.taps if self.taps else (encoded,)

    def perceptron(self, n_in: int, n_classes: int) -> Perceptron:
        """The layers, from so many numbers to the classes."""
        return Perceptron(
            n_in,
            (n_in,) if self.hidden == "same" else self.hidden,
            n_classes,
            act=self.act,
            norm=self.norm,
            slopes=self.slopes,
            input_norm=self.input_norm,
            input_dropout=self.input_dropout,
            dropout=self.dropouts,
            prior=self.prior,
            cosine=self.cosine,
        )
