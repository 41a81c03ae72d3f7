"""An LSTM on the samples themselves: each of its steps takes one short frame of the wave.

Nothing in it knows what a frequency is, and it needs far more clips than a spectrogram does; it is here as the plain
thing to compare with, not as a good tagger. Batch norm brings the loudness of the training clips to about 1 and keeps
what differs between them.
"""

from pydantic import Field
from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.masks import Lengths, masked, strided
from earmark.models.layers.recurrent import Cell, Recurrent


class RawLSTM(Encoder, kind="raw_lstm"):
    """Frames of the wave, then layers of LSTM or GRU; a frame of the maps is what they have heard up to there."""

    takes = "wave"

    frame_ms: float = Field(25.0, gt=0)
    """How much of the wave one step takes."""
    hop_ms: float = Field(10.0, gt=0)
    """From one step to the next."""
    units: int = Field(256, ge=1)
    """Channels that each direction gives."""
    layers: int = Field(2, ge=1)
    """How many layers."""
    cell: Cell = "lstm"
    """What they are made of."""
    both_ways: bool = False
    """Whether each layer runs from the end to the start too."""

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if min(self._samples(spec)) < 1:
            raise SettingsError(
                f"raw_lstm has frames of {self.frame_ms:g} ms every {self.hop_ms:g} ms, which is less than a sample at "
                f"{spec.rate_hz:g} Hz; make them longer"
            )

    def shortest(self, spec: Spec) -> int:
        return self._samples(spec)[0]

    def build(self, spec: Spec) -> "RawLSTMModule":
        self.check(spec)
        return RawLSTMModule(self, *self._samples(spec))

    def _samples(self, spec: Spec) -> tuple[int, int]:
        return round(self.frame_ms * spec.rate_hz / 1000), round(self.hop_ms * spec.rate_hz / 1000)


class RawLSTMModule(EncoderModule):
    """The net itself."""

    def __init__(self, settings: RawLSTM, frame_samples: int, hop_samples: int) -> None:
        super().__init__()
        self.frame_samples, self.stride = frame_samples, hop_samples
        self.norm = nn.BatchNorm1d(1)
        self.net = Recurrent(
            frame_samples, settings.units, settings.layers, cell=settings.cell, both_ways=settings.both_ways
        )
        self.n_channels, self.n_bands = self.net.n_out, 1

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        values = masked(self.norm(values[:, None]), lengths)[:, 0]
        lengths = strided(lengths, self.frame_samples, self.stride)
        heard, _ = self.net(values.unfold(1, self.frame_samples, self.stride), lengths)
        return Encoded(masked(heard.transpose(1, 2)[:, :, None], lengths), lengths)
