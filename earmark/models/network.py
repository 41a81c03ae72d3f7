"""A network: one encoder and one or more named heads."""

from typing import Self

import torch
from pydantic import field_validator, model_validator
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.core.settings import Settings, nearest
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.encoders.quick_cnn import QuickCNN
from earmark.models.heads.head import Head, HeadModule
from earmark.models.heads.mean_max import MeanMax
from earmark.models.segments import SegmentMean, Segments, encode_segments
from earmark.models.weights import Start


class ModelSettings(Settings):
    """Which encoder, and which heads on it.

    Its defaults are the net that was best of all that were tried within the same time, with a head that begins by
    saying that a class is seldom there.
    """

    encoder: Encoder = QuickCNN()
    """What turns a view into maps, or into frames."""
    heads: dict[str, Head] = {"main": MeanMax(prior=0.03)}
    """Named heads; the one called ``main`` is the tagger's, others serve terms of the objective."""
    segments: Segments | None = None
    """Hears clips in segments of one length and takes the mean of their logits; null hears them whole."""
    start: Start | None = None
    """Weights of another training to begin with; null begins with random ones."""

    @field_validator("heads")
    @classmethod
    def _names_of_modules(cls, heads: dict[str, Head]) -> dict[str, Head]:
        for name in heads:
            if not name or "." in name or hasattr(nn.ModuleDict(), name):
                raise ValueError(
                    f"a head cannot be called '{name}', which torch keeps for itself; call it '{name or 'main'}_head'"
                )
        return heads

    @model_validator(mode="after")
    def _starts_heads_that_are(self) -> Self:
        for name in self.start.heads if self.start and isinstance(self.start.heads, dict) else ():
            if name not in self.heads:
                raise ValueError(f"start.heads names head '{name}', which there is not; {nearest(name, self.heads)}")
        return self

    def check(self, spec: Spec) -> None:
        """Refuse input that this network cannot take, and heads that its encoder cannot feed.

        The network is built without its weights, which takes milliseconds however large it is.

        Raises:
            SettingsError: with the names of both sides.
        """
        with torch.device("meta"):
            self.build(spec, 1)

    def _check_input(self, spec: Spec) -> None:
        self.encoder.check(spec)
        if self.segments and self.segments.frames < self.encoder.shortest(spec):
            raise SettingsError(
                f"segments have {self.segments.frames} frames, but encoder '{self.encoder.kind}' needs at least "
                f"{self.encoder.shortest(spec)}; make them longer"
            )

    def shortest(self, spec: Spec) -> int:
        """The fewest frames (or samples) that it can hear; segments are filled up."""
        return 1 if self.segments else self.encoder.shortest(spec)

    def build(self, spec: Spec, n_classes: int) -> "Network":
        """The network for input of this spec.

        Raises:
            SettingsError: as in `check`.
        """
        self._check_input(spec)
        return Network(self, spec, n_classes)

    def build_heads(self, encoder: EncoderModule, n_classes: int) -> nn.ModuleDict:
        """The heads on an encoder.

        Raises:
            SettingsError: one of them cannot be fed by it.
        """
        built: dict[str, HeadModule] = {}
        for name, head in self.heads.items():
            try:
                built[name] = head.build(encoder, n_classes)
            except SettingsError as error:
                both = f"heads.{name} does not fit encoder '{self.encoder.kind}'"
                raise SettingsError(f"{both}: {error}") from None
        return nn.ModuleDict({name: SegmentMean(head) for name, head in built.items()} if self.segments else built)


class Network(nn.Module):
    """An encoder with heads; calling it gives the logits of one head."""

    def __init__(self, settings: ModelSettings, spec: Spec, n_classes: int) -> None:
        super().__init__()
        self.settings, self.spec, self.n_classes = settings, spec, n_classes
        self.encoder = settings.encoder.build(spec)
        self.heads = settings.build_heads(self.encoder, n_classes)
        self.segment = settings.segments.frames if settings.segments else None

    def another(self) -> "Network":
        """A network of the same settings with random weights of its own; published ones are not fetched."""
        return Network(self.settings, self.spec, self.n_classes)

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's maps of a batch that the view has made."""
        lengths = batch.lengths if batch.padded else None
        if self.segment is not None:
            return encode_segments(self.encoder, batch.values, lengths, self.segment)
        encoded: Encoded = self.encoder(batch.values, lengths)
        return encoded

    def forward(self, batch: Batch, head: str = "main") -> Tensor:
        """Logits, [batch, classes], in float32 whatever the encoder computed in."""
        logits: Tensor = self.heads[head](self.encode(batch))
        return logits.float()


def class_axes(network: Network, settings: ModelSettings, n_classes: int) -> dict[str, int]:
    """The tensors of a network that have a row for each class, and along which axis: what one class more changes."""
    with torch.device("meta"):
        larger = settings.build_heads(network.encoder, n_classes + 1).state_dict()
    found = {}
    for name, value in network.heads.state_dict().items():
        changed = [axis for axis, n in enumerate(value.shape) if larger[name].shape[axis] != n]
        if len(changed) == 1 and value.shape[changed[0]] == n_classes:
            found[f"heads.{name}"] = changed[0]
    return found


def n_parameters(module: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
