"""A network: one encoder and one or more named heads."""

from pydantic import field_validator
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.settings import Settings
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.head import Head
from earmark.models.heads.mean_max import MeanMax


class ModelSettings(Settings):
    """Which encoder, and which heads on it."""

    encoder: Encoder = SkipCNN()
    heads: dict[str, Head] = {"main": MeanMax()}
    """Named heads; the one called ``main`` is the tagger's, others serve terms of the objective."""

    @field_validator("heads")
    @classmethod
    def _names_of_modules(cls, heads: dict[str, Head]) -> dict[str, Head]:
        for name in heads:
            if not name or "." in name or hasattr(nn.ModuleDict(), name):
                raise ValueError(
                    f"a head cannot be called '{name}', which torch keeps for itself; call it '{name or 'main'}_head'"
                )
        return heads

    def build(self, spec: Spec, n_classes: int) -> "Network":
        """The network for input of this spec."""
        self.encoder.check(spec)
        return Network(self, spec, n_classes)


class Network(nn.Module):
    """An encoder with heads; calling it gives the logits of one head."""

    def __init__(self, settings: ModelSettings, spec: Spec, n_classes: int) -> None:
        super().__init__()
        self.encoder = settings.encoder.build(spec)
        self.heads = nn.ModuleDict({name: head.build(self.encoder, n_classes) for name, head in settings.heads.items()})

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's maps of a batch that the view has made."""
        encoded: Encoded = self.encoder(batch.values, batch.lengths if batch.padded else None)
        return encoded

    def forward(self, batch: Batch, head: str = "main") -> Tensor:
        """Logits, [batch, classes], in float32 whatever the encoder computed in."""
        logits: Tensor = self.heads[head](self.encode(batch))
        return logits.float()


def n_parameters(module: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
