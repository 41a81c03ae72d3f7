"""What the network sees of a batch: the clean view, with pictures padded or enlarged on the way.

Padding where no power is goes in behind the first front end that gives power or magnitude, so that compression and
normalisation treat it as they treat silence: decibels put it on the floor of the clip, and a clip's own mean and
deviation count it. Corners are enlarged where everything else is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.core.spec import Domain
from earmark.dsp.padding import padding_zeroed
from earmark.dsp.precision import in_full
from earmark.dsp.warping import FREQ, TIME, between, taken
from earmark.inference.plan import Corner, Turn
from earmark.signal.view import ViewModule

POWER: tuple[Domain, ...] = ("power", "magnitude")
"""Where a zero means that there is nothing."""


def looks(view: ViewModule, batch: Batch, turns: Sequence[Turn]) -> Iterator[Batch]:
    """What the network gets of a batch of waves for each turn, in their order; what turns share is worked out once."""
    seen: dict[float, Batch] = {}
    for turn in turns:
        if turn.floor_s not in seen:
            seen[turn.floor_s] = _seen(view, batch, turn.floor_s) if turn.floor_s else view(batch)
        look = seen[turn.floor_s]
        for corner in turn.corners:
            look = enlarged(look, corner)
        yield look


def _seen(view: ViewModule, batch: Batch, floor_s: float) -> Batch:
    """The clean view with power padded."""
    padded = False
    with in_full(batch.values.device):
        for module in view.frontends:
            for part in module if isinstance(module, nn.Sequential) else (module,):
                batch = part(batch)
                if not padded and batch.domain in POWER:
                    batch, padded = floored(batch, round(floor_s * batch.rate_hz)), True
    if not padded:
        raise SettingsError("no step of this view gives power, so there is nothing to pad; pad with fill: silence")
    return batch


def floored(batch: Batch, n_frames: int) -> Batch:
    """Pictures of power with so many frames of nothing at both ends, which count as signal."""
    values = functional.pad(batch.values, (n_frames, n_frames))
    return batch.changed(values=values, lengths=batch.lengths + 2 * n_frames)


def enlarged(batch: Batch, corner: Corner) -> Batch:
    """A corner of each picture as large as the picture, by bilinear interpolation.

    The outermost rows and frames of the corner that are the picture's own stay where they are. Every clip is enlarged
    within its own length.
    """
    values, counts = batch.values, torch.full_like(batch.lengths, batch.values.shape[FREQ])
    values = between(values, _places(counts, values.shape[FREQ], corner.scale, at_end=corner.high), counts, FREQ)
    places = _places(batch.lengths, values.shape[TIME], corner.scale, at_end=corner.late)
    values = between(values, places, batch.lengths, TIME)
    if corner.backwards:
        frames = torch.arange(values.shape[TIME], device=values.device)
        values = taken(values, (batch.lengths[:, None] - 1 - frames).clamp(min=0), TIME)
    return batch.changed(values=padding_zeroed(values, batch.lengths) if batch.padded else values)


def _places(counts: Tensor, n: int, scale: float, *, at_end: bool) -> Tensor:
    """Where to read along one axis [batch, n]: the first or the last 1/scale of ``counts`` rows or frames."""
    places = torch.arange(n, device=counts.device) / scale
    if not at_end:
        return places.expand(len(counts), -1)
    return places + ((counts - 1).clamp(min=0) * (1 - 1 / scale))[:, None]
