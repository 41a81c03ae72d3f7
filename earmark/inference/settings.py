"""How a trained tagger is used; nothing here needs training again."""

from typing import Annotated, Literal

from pydantic import Field

from earmark.core.settings import Incidental, Settings
from earmark.data.crops import Crop
from earmark.data.pack_settings import PackSettings
from earmark.models.network import ModelSettings
from earmark.signal.step import Step


class InferenceSettings(Settings):
    """Full length in batches of similar lengths; what is longer than a window goes in pieces."""

    window_s: float = Field(30.0, gt=0)
    """Most seconds that the network hears at once; longer clips are cut into pieces of about this length."""
    pool: Literal["mean", "max"] = "mean"
    """How the logits of a clip's pieces become the clip's."""
    waste: float = Field(0.1, ge=0, lt=1)
    """Share of a batch that may be padding."""
    batch_clips: Annotated[int, Incidental(), Field(ge=1)] = 64
    """Most pieces in a batch."""
    batch_s: Annotated[float, Incidental(), Field(gt=0)] = 15.0
    """Most seconds of audio in a batch, padding included; processors gain nothing from more, GPUs want hundreds."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """Arithmetic of the network; float32 gives a clip the same scores in any batch, bfloat16 is faster."""


class TaggerSettings(Settings):
    """All that makes a tagger besides its weights."""

    classes: tuple[str, ...]
    """The vocabulary, in the order of the scores."""
    pack: PackSettings
    """How the clips of its training were packed: files are heard at that rate, and trimmed as those were."""
    view: tuple[Step, ...]
    """The steps from waves to the network; augmentations among them are left out in use."""
    model: ModelSettings
    crop: Crop
    """The crop of its training: clips shorter than that are treated in use as they were then."""
    inference: InferenceSettings = InferenceSettings()
    run: str = ""
    """The run that made it."""

    @property
    def rate_hz(self) -> int:
        """Samples in a second of what it hears."""
        return self.pack.rate_hz
