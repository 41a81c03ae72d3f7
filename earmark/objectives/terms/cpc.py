"""What comes next in a clip should be told from what does not."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.core.batch import signal_mask
from earmark.core.spec import Spec
from earmark.models.layers.recurrent import Recurrent
from earmark.models.network import ModelSettings, Network
from earmark.objectives.ahead import earshot, fewest_for, steps_of
from earmark.objectives.look import Look
from earmark.objectives.term import Fault, Term, TermModule

Negatives = Literal["both", "clip", "batch"]
Contrast = Literal["one_of_all", "each"]


class CPC(Term, kind="cpc"):
    """Contrastive predictive coding (A. van den Oord, Y. Li, O. Vinyals, 2018), which needs no labels.

    A step is a frame of the encoder's maps, the mean over its rows. A GRU over the steps so far gives a context, and
    from the context a linear layer for each distance says what comes: that should be more like the step that does come
    (by the product of the two) than like other steps of the clip and than what comes at the same place in other clips
    of the batch.

    A step that shares frames with those in the context is known before it comes. So distances are counted from the
    first step that shares none, which needs an encoder of which it is known how far it hears, or ``model.segments``.
    Distances beyond the end of a clip are left out.

    To train an encoder with this alone, write it as the only part of an objective; ``model.start`` of another recipe
    then begins with it. Its heads have learnt nothing, so such a run has no scores. Its signs in the log are the share
    of predictions that are right (``accuracy``) and that which would be by chance.

    Ex4sperans (2019) never had good results with it, as ``{negatives: clip, contrast: each, overlap: true}`` on a net
    over time alone of five convolutions.
    """

    context: int = Field(64, ge=1)
    """Channels of the GRU."""
    steps: int = Field(10, ge=1)
    """Distances at which is predicted."""
    negatives: Negatives = "both"
    """What the step that comes is told from: all other steps of the clip, what comes at the same place in the other
    clips, or both."""
    contrast: Contrast = "one_of_all"
    """Whether the right step is chosen among all of them (InfoNCE), or each is judged by itself (binary
    cross-entropy)."""
    overlap: bool = False
    """Whether distances are counted from the next step though it shares frames with what has been heard. Then any
    encoder will do, but one that hears ahead knows the answer."""

    @property
    def heads(self) -> tuple[str, ...]:
        return ()

    def gap(self, model: ModelSettings, spec: Spec) -> int:
        """How many steps are left out between what has been heard and the nearest prediction.

        Raises:
            SettingsError: it is not known how far the encoder hears.
        """
        if self.overlap:
            return 0
        return earshot(model, spec, "cpc", ", or set overlap: true, which makes it easy").apart - 1

    def shortest(self, model: ModelSettings, spec: Spec) -> int:
        return fewest_for(self.gap(model, spec) + 2, model, spec)

    def build(self, network: Network) -> "CPCModule":
        return CPCModule(self, network)


class CPCModule(TermModule):
    """The term itself; its state are the context and the predictions, which learn as the student does."""

    def __init__(self, settings: CPC, network: Network) -> None:
        super().__init__()
        self.settings, self.model = settings, network.settings
        self.gap = settings.gap(network.settings, network.spec)
        n = network.encoder.n_channels
        self.context = Recurrent(n, settings.context)
        self.predict = nn.Linear(settings.context, settings.steps * n)

    @property
    def students(self) -> tuple[nn.Module, ...]:
        return (self.context, self.predict)

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings = self.settings
        maps, lengths = steps_of(look.encoded(streams), self.model)
        steps = maps.mean(dim=3, dtype=torch.float32)
        n = steps.shape[1]
        there = torch.ones_like(steps[..., 0], dtype=torch.bool) if lengths is None else signal_mask(lengths, n)
        said = self.predict(self.context(steps, lengths)[0]).float().unflatten(2, (settings.steps, -1))
        # What no prediction is made of still has a gradient, which is zero.
        lost = right = chance = 0.0 * said.sum(dim=(1, 2, 3))
        count = torch.zeros_like(lost)
        with torch.autocast(steps.device.type, enabled=False):
            for number in range(min(settings.steps, n - 1 - self.gap)):
                distance = self.gap + number + 1
                told = contrasted(said[:, :-distance, number], steps, there, settings.negatives, settings.contrast)
                counts = there[:, distance:]
                lost = lost + told.lost.where(counts, 0.0).sum(dim=1)
                right = right + told.right.where(counts, 0.0).sum(dim=1)
                chance = chance + told.chance.where(counts, 0.0).sum(dim=1)
                count = count + counts.sum(dim=1)
        total = count.sum().clamp(min=1)
        self.signs = {"accuracy": (right.sum() / total).detach(), "chance": (chance.sum() / total).detach()}
        mean: Tensor = lost / count.clamp(min=1)
        return mean

    def fault(self, signs: Mapping[str, float]) -> Fault | None:
        accuracy, chance = signs["accuracy"], signs["chance"]
        if accuracy >= min(1.25 * chance, (1 + chance) / 2):
            return None
        numbers = f"right {100 * accuracy:.1f} % of the time, {100 * chance:.1f} % by chance"
        return Fault(
            "chance", f"it cannot tell what comes ({numbers}): the encoder has collapsed, or nothing can be foreseen"
        )


class Contrasted(NamedTuple):
    """How predictions fare against what else could have come, [batch, places] each."""

    lost: Tensor
    right: Tensor
    """1 where what comes is the best answer; if others are as good, the share that it has in that."""
    chance: Tensor
    """How often one would be right by guessing."""


def contrasted(
    said: Float[Tensor, "batch places channels"],
    steps: Float[Tensor, "batch time channels"],
    there: Bool[Tensor, "batch time"],
    negatives: Negatives,
    contrast: Contrast,
) -> Contrasted:
    """Compare predictions with the steps that come and with others.

    Args:
        said: the prediction at each place, which is for the step so far behind it that the last is for the last.
        steps: what is heard at each step.
        there: whether a step is signal; only such are others.
    """
    n_clips, n = said.shape[:2]
    distance = steps.shape[1] - n
    coming = steps[:, distance:]
    own = (said * coming).sum(dim=2)
    found, among = [own[:, :, None]], [torch.ones_like(own, dtype=torch.bool)[:, :, None]]
    if negatives != "batch":
        places = torch.arange(n, device=said.device)
        others = torch.arange(steps.shape[1], device=said.device) != places[:, None] + distance
        found.append(said @ steps.transpose(1, 2))
        among.append(others & there[:, None])
    if negatives != "clip":
        others = ~torch.eye(n_clips, dtype=torch.bool, device=said.device)
        found.append((said.transpose(0, 1) @ coming.permute(1, 2, 0)).transpose(0, 1))
        among.append(others[:, None] & there[:, distance:].T)
    logits, counted = torch.cat(found, dim=2), torch.cat(among, dim=2)
    ruled = logits.masked_fill(~counted, -torch.inf)
    n_counted = counted.sum(dim=2)
    if contrast == "one_of_all":
        lost = ruled.logsumexp(dim=2) - own
    else:
        lost = (F.softplus(-own) + (F.softplus(logits) * counted)[:, :, 1:].sum(dim=2)) / n_counted
    with torch.no_grad():
        best = own >= ruled.amax(dim=2)
        right = best / (ruled == own[:, :, None]).sum(dim=2)
    return Contrasted(lost, right, 1 / n_counted)
