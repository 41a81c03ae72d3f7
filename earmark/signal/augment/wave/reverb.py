"""Rooms."""

from pathlib import Path
from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.reverb import convolved, decaying, sox_rt60_s, sox_wet_db
from earmark.signal.augment.laws import hits, seeds, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.augment.wave.impulse_responses import impulse_responses
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec

Percent = Annotated[float, Field(ge=0, le=100)]

# Where no reverberance says how loud the tail is, it is as loud as at a reverberance of 50.
_USUAL_REVERBERANCE = 50.0


class ReverbDraw(NamedTuple):
    """Whether a clip is changed, its reverberation time, the level of its tail, which recorded response it is given
    as a share in [0, 1) of the list, all [batch], and the seeds of its tail [batch, 2]."""

    hit: torch.Tensor
    rt60_s: torch.Tensor
    wet_db: torch.Tensor
    place: torch.Tensor
    seeds: torch.Tensor


class Reverb(Augment, kind="reverb"):
    """Each clip in a room of its own: the direct sound, and a tail of noise that falls by 60 dB in the time RT60.

    Reverberance and room scale mean what they mean to SoX's ``reverb``: they give its RT60, from 0.02 s to 10.7 s
    (`earmark.dsp.reverb.sox_rt60_s`), and the level of its tail (`sox_wet_db`). The tail itself is noise instead of
    Freeverb's combs, falls alike at all frequencies, and differs from clip to clip. There is no stereo depth, as clips
    are mono. With ``low_rt60_s`` and ``high_rt60_s`` the time is given instead; with ``impulse_responses`` rooms are
    recordings, all as likely.

    The tail is cut at the end of the clip, and the clip is as loud (root mean square) as before. ex4sperans (2019)
    draw reverberance and room scale, in whole percent, from U[0, 50).
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is changed."""
    low_reverberance: Percent = 0.0
    """The smallest reverberance in percent."""
    high_reverberance: Percent = 50.0
    """The largest reverberance."""
    low_room_scale: Percent = 0.0
    """The smallest room scale in percent."""
    high_room_scale: Percent = 50.0
    """The largest room scale."""
    wet_gain_db: float = 0.0
    """Added to the level of the tail."""
    low_rt60_s: Annotated[float, Field(gt=0)] | None = None
    """The shortest RT60, in place of reverberance and room scale."""
    high_rt60_s: Annotated[float, Field(gt=0)] | None = None
    """The longest RT60; all in between are as likely."""
    impulse_responses: Path | None = None
    """A folder of recorded impulse responses, in place of noise; then the settings above do nothing."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.low_rt60_s is None) != (self.high_rt60_s is None):
            raise ValueError("low_rt60_s and high_rt60_s go together; give both or none")
        return in_order(
            self,
            ("low_reverberance", "high_reverberance"),
            ("low_room_scale", "high_room_scale"),
            ("low_rt60_s", "high_rt60_s"),
        )

    @property
    def external(self) -> tuple[str, ...]:
        return () if self.impulse_responses is None else (f"rooms recorded in '{self.impulse_responses.name}'",)

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        if self.impulse_responses is not None:
            impulse_responses(self.impulse_responses, spec.rate_hz)
        elif self.high_rt60_s is not None and self.high_rt60_s * spec.rate_hz < 2:
            raise SettingsError(
                f"a room that is silent after {self.high_rt60_s:g} s has no tail at {spec.rate_hz:g} Hz; "
                "raise high_rt60_s"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> ReverbDraw:
        n = len(batch)
        hit, place = hits(self.p, n, chance), uniform(0.0, 1.0, n, chance)
        if self.low_rt60_s is not None and self.high_rt60_s is not None:
            rt60_s = uniform(self.low_rt60_s, self.high_rt60_s, n, chance)
            reverberance = torch.full((n,), _USUAL_REVERBERANCE)
        else:
            reverberance = uniform(self.low_reverberance, self.high_reverberance, n, chance)
            rt60_s = sox_rt60_s(reverberance, uniform(self.low_room_scale, self.high_room_scale, n, chance))
        wet_db = sox_wet_db(reverberance) + self.wet_gain_db
        return ReverbDraw(hit, rt60_s, wet_db, place, seeds(n, chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = ReverbDraw(*draw)
        return on_rows(batch, drawn.hit, drawn, self._changed)

    def _changed(self, batch: Batch, draw: ReverbDraw) -> Batch:
        device, n = batch.values.device, batch.values.shape[1]

        def recorded(some: slice) -> torch.Tensor:
            known = impulse_responses(self.impulse_responses or Path(), batch.rate_hz)
            chosen = (draw.place[some] * len(known)).long().clamp(max=len(known) - 1)
            return known[chosen, :n].to(device, non_blocking=True)

        def made_up(some: slice) -> torch.Tensor:
            samples = draw.rt60_s[some] * batch.rate_hz
            longest = min(n, max(1, int(samples.max().ceil())))
            numbers, level = (part[some].to(device, non_blocking=True) for part in (draw.seeds, draw.wet_db))
            return decaying(numbers, samples.to(device, non_blocking=True), level, longest)

        rooms = made_up if self.impulse_responses is None else recorded
        return batch.changed(values=convolved(batch.values, batch.lengths, rooms))
