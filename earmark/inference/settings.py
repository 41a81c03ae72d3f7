"""How a trained tagger is used; nothing here needs training again."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from earmark.core.errors import SettingsError
from earmark.core.settings import Incidental, Settings
from earmark.core.spec import Domain, Spec
from earmark.data.crops import Crop
from earmark.data.pack_settings import PackSettings
from earmark.inference.hearings.hearing import Ear, Hearing, everybody
from earmark.inference.hearings.whole import Whole
from earmark.inference.pooling import Pool
from earmark.models.network import ModelSettings
from earmark.signal.step import FrontEnd, Step


class Patience(Settings):
    """Batches by the patience of O. Akiyama and J. Sato (2019): so much padding as makes the batches few enough.

    A clip joins a batch if it is at most 1 + patience times as long as the shortest of it; patience is raised from 0
    until there are at most ``batches`` and one more for each ``clips_a_batch`` clips. Their other bounds are
    ``batch_clips: 512`` and, at 44.1 kHz, ``batch_s: 453``.
    """

    highest: float = Field(0.2, ge=0)
    """The most patience."""
    step: float = Field(0.01, gt=0)
    """By how much it is raised at a time."""
    batches: int = Field(60, ge=0)
    """Batches that are always allowed (50 in their second submission)."""
    clips_a_batch: float = Field(55.0, gt=0)
    """Clips for which one more is allowed (30 in their second submission)."""


class InferenceSettings(Settings):
    """What is heard of a clip and how its scores are pooled; in batches of similar lengths."""

    hearing: Hearing = Whole()
    """What of a clip the network hears; `earmark show hearing` lists the ways."""
    window_s: float = Field(30.0, gt=0)
    """Most seconds that the network hears at once; longer clips are cut into pieces of about this length."""
    pool: Pool = "mean"
    """How the pieces of a clip longer than the window become the clip's: ``mean`` and ``max`` of their logits;
    ``probability``, the mean of probabilities; ``geometric``, their geometric mean; ``softmax``, the mean of shares,
    for networks trained on a softmax. The ways of hearing have the same choice."""
    waste: float = Field(0.1, ge=0, lt=1)
    """Share of a batch that may be padding."""
    patience: Patience | None = None
    """Another rule for batches in place of ``waste``; null keeps that."""
    batch_clips: Annotated[int, Incidental(), Field(ge=1)] = 64
    """Most pieces in a batch."""
    batch_s: Annotated[float, Incidental(), Field(gt=0)] = 15.0
    """Most seconds of audio in a batch, padding included; processors gain nothing from more, GPUs want hundreds."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    """Arithmetic of the network; float32 gives a clip the same scores in any batch, half precision is faster where the
    device has it. bfloat16 rounds more; float16 rounds less and overflows beyond 65,504, which is refused when met."""

    def ear(self, view: tuple[Step, ...], rate_hz: int, crop: Crop) -> Ear:
        """What the way of hearing may know of a tagger with this view and this crop of its training."""
        least = crop.least_samples(rate_hz) if crop.length_s is not None else None
        window = max(1, round(self.window_s * rate_hz))
        return Ear(rate_hz, window, least, self.pool, _domains(view, Spec("wave", rate_hz)))

    def check(self, view: tuple[Step, ...], rate_hz: int, crop: Crop) -> None:
        """Refuse a way of hearing that such a tagger cannot carry out.

        Raises:
            SettingsError: with what is wanted and what came.
        """
        ear = self.ear(view, rate_hz, crop)
        for hearing in everybody(self.hearing):
            hearing.check(ear)


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
    taught: bool = True
    """Whether anything has taught its head; else only its encoder is of use."""

    @model_validator(mode="after")
    def _hears(self) -> Self:
        try:
            self.inference.check(self.view, self.rate_hz, self.crop)
        except SettingsError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def rate_hz(self) -> int:
        """Samples in a second of what it hears."""
        return self.pack.rate_hz


def _domains(steps: tuple[Step, ...], spec: Spec) -> frozenset[Domain]:
    """What comes and goes between the steps, and between the parts of those that are a sequence."""
    found = {spec.domain}
    for step in steps:
        for part in (step.chained if isinstance(step, FrontEnd) else ()) or (step,):
            spec = part.after(spec)
            found.add(spec.domain)
    return frozenset(found)
