"""The frames that come, foreseen from those that were."""

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.core.batch import signal_mask
from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.layers.recurrent import Cell, Recurrent
from earmark.models.network import ModelSettings, Network
from earmark.objectives.ahead import earshot, fewest_for, steps_of
from earmark.objectives.look import Look
from earmark.objectives.term import Fault, Term, TermModule


class APC(Term, kind="apc"):
    """Autoregressive predictive coding (Y.-A. Chung, W.-N. Hsu, H. Tang, J. Glass, 2019), which needs no labels.

    An LSTM goes over the frames of the encoder's maps, all rows of all channels side by side, and linear layers say the
    next frames of what the view gives; what is lost is the absolute difference. The next frames are those behind the
    last one that the maps have heard so far, of which it must be known how far that is; so it needs an encoder without
    recurrence, attention and gates, or ``model.segments``. Frames beyond the end of a clip are left out.

    To train an encoder with this alone, see ``term.cpc``. Its signs in the log are the mean ``error`` and, to compare
    it with, that of saying the mean of all frames of the batch (``average``) and of saying that all stays as it is
    (``last``).

    The layers, their size and the ten frames are those of ex4sperans (2019), whose LSTM hears the frames themselves;
    there is no encoder in between, and what is lost is the sum over the features (``over_features: sum``).
    """

    units: int = Field(128, ge=1)
    """Channels of the recurrent net."""
    layers: int = Field(2, ge=1)
    """How many layers it has."""
    cell: Cell = "lstm"
    """What it is made of."""
    frames: int = Field(10, ge=1)
    """How many of the next frames are foreseen at each place."""
    normalise: bool = True
    """Whether each of these frames is brought to mean 0 and variance 1 first, so that shapes of spectra are foreseen
    and not levels."""
    over_features: Literal["mean", "sum"] = "mean"
    """The mean of the differences over the features of a frame, or their sum, which grows with the bands."""

    @property
    def heads(self) -> tuple[str, ...]:
        return ()

    def shortest(self, model: ModelSettings, spec: Spec) -> int:
        if spec.domain == "wave":
            raise SettingsError(
                "apc foresees frames of a spectrogram, but the view gives waves; add a front end such as log_mel, or "
                "take term cpc"
            )
        return max(earshot(model, spec, "apc").last + 2, fewest_for(1, model, spec))

    def build(self, network: Network) -> "APCModule":
        return APCModule(self, network)


class APCModule(TermModule):
    """The term itself; its state are the recurrent net and the predictions, which learn as the student does."""

    def __init__(self, settings: APC, network: Network) -> None:
        super().__init__()
        self.settings, self.model = settings, network.settings
        self.earshot = earshot(network.settings, network.spec, "apc")
        encoder, spec = network.encoder, network.spec
        self.context = Recurrent(
            encoder.n_channels * encoder.n_bands, settings.units, settings.layers, cell=settings.cell
        )
        self.norm = nn.LayerNorm(settings.units)
        self.predict = nn.Linear(settings.units, settings.frames * spec.n_channels * spec.n_bands)

    @property
    def students(self) -> tuple[nn.Module, ...]:
        return (self.context, self.norm, self.predict)

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings, seen = self.settings, look.seen(streams)
        maps, lengths = steps_of(look.encoded(streams), self.model)
        steps = maps.flatten(2).float()
        frames = seen.values.detach().permute(0, 3, 1, 2).flatten(2).float()
        if settings.normalise:
            frames = F.layer_norm(frames, frames.shape[2:])
        n = frames.shape[1]
        heard = self.earshot.last + self.earshot.stride * torch.arange(steps.shape[1], device=frames.device)
        n_places = min(steps.shape[1], max(0, -(-(n - 1 - self.earshot.last) // self.earshot.stride)))
        context, _ = self.context(F.layer_norm(steps, steps.shape[2:]), lengths)
        said: Tensor = self.predict(self.norm(context)).float().unflatten(2, (settings.frames, -1))
        nothing = 0.0 * said.sum(dim=(1, 2, 3))  # so that clips in which nothing comes have a gradient too
        said, heard = said[:, :n_places], heard[:n_places]
        places = heard[:, None] + 1 + torch.arange(settings.frames, device=frames.device)
        counted = signal_mask(seen.lengths, n) if seen.padded else torch.ones_like(frames[..., 0], dtype=torch.bool)
        counted = counted[:, places.clamp(max=n - 1)] & (places < n)
        coming = frames[:, places.clamp(max=n - 1)]
        apart = (said - coming).abs()
        self._tell(apart, coming, frames[:, heard][:, :, None], counted)
        lost = (apart.mean(dim=3) if settings.over_features == "mean" else apart.sum(dim=3)).where(counted, 0.0)
        mean: Tensor = lost.sum(dim=(1, 2)) / counted.sum(dim=(1, 2)).clamp(min=1)
        return nothing + mean

    @torch.no_grad()
    def _tell(self, apart: Tensor, coming: Tensor, last: Tensor, counted: Tensor) -> None:
        total = counted.sum().clamp(min=1)

        def mean(values: Tensor) -> Tensor:
            return values.mean(dim=3).where(counted, 0.0).sum() / total

        average = coming.where(counted[..., None], 0.0).sum(dim=(0, 1, 2)) / total
        self.signs = {
            "error": mean(apart),
            "average": mean((coming - average).abs()),
            "last": mean((coming - last).abs()),
        }

    def fault(self, signs: Mapping[str, float]) -> Fault | None:
        if signs["error"] < 0.99 * signs["average"]:
            return None
        numbers = f"error {signs['error']:.3f}, of the average frame {signs['average']:.3f}"
        return Fault(
            "average",
            f"it foresees no better than by the average frame ({numbers}): the encoder has collapsed, or nothing can "
            "be foreseen",
        )
