"""Several front ends side by side, as channels of one picture."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.errors import RunError, SettingsError
from earmark.dsp.warping import in_bands
from earmark.signal.fitting import next_learner, passed_through
from earmark.signal.frontends.exact import Exact
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.mel import Mel
from earmark.signal.step import FrontEnd, Spec


class Stack(FrontEnd, kind="stack"):
    """Several chains of front ends that start from the same input, stacked as channels in the order of the chains.

    All must have the same frames and the same number of bands, unless ``n_bands`` brings them to one. An empty chain is
    the input itself: ``parts: [[], [mfcc]]`` puts the coefficients beside the bands they are made of. By default it is
    two log-mel pictures, one sharper in time, the other in frequency.
    """

    parts: Annotated[tuple[tuple[FrontEnd, ...], ...], Field(min_length=1)] = (
        (LogMel(),),
        (LogMel(mel=Mel(n_fft=5120)),),
    )
    """The chains: a list of lists of front ends."""
    n_bands: Annotated[int, Field(ge=1)] | None = None
    """To how many bands each part is interpolated along frequency; null: they must have the same number."""

    def after(self, spec: Spec) -> Spec:
        first, *others = ends = [self._end(place, spec) for place in range(len(self.parts))]
        for place, end in enumerate(others, start=1):
            both = f"stack has its parts 0 ({self._name(0)}) and {place} ({self._name(place)}) side by side, but they"
            if end.domain != first.domain:
                raise SettingsError(f"{both} give {first.domain} and {end.domain}; compress or normalise both")
            if not math.isclose(end.rate_hz, first.rate_hz, rel_tol=1e-9):
                raise SettingsError(
                    f"{both} have {first.rate_hz:.6g} and {end.rate_hz:.6g} frames a second; give both the same hop"
                )
            if self.n_bands is None and end.n_bands != first.n_bands:
                raise SettingsError(
                    f"{both} have {first.n_bands} and {end.n_bands} bands; set n_bands, to which both are interpolated"
                )
        n_bands = first.n_bands if self.n_bands is None else self.n_bands
        return Spec(first.domain, first.rate_hz, sum(end.n_channels for end in ends), n_bands)

    def build(self, spec: Spec) -> nn.Module:
        return _SideBySide(self, spec)

    def _end(self, place: int, spec: Spec) -> Spec:
        """What one part makes of the input."""
        for step_place, step in enumerate(self.parts[place]):
            try:
                spec = step.after(spec)
            except SettingsError as error:
                raise SettingsError(f"parts.{place}.{step_place} ({step.kind}): {error}") from None
        if spec.domain == "wave":
            raise SettingsError(
                f"stack makes a picture of its parts, but wave comes out of part {place} ({self._name(place)}); put a "
                "front end that gives frames into it"
            )
        return spec

    def _name(self, place: int) -> str:
        return ", ".join(step.kind for step in self.parts[place]) or "the input"


class _SideBySide(Exact):
    """Learns, if any of its parts does: all that have something left take in the same batches."""

    def __init__(self, settings: Stack, spec: Spec) -> None:
        super().__init__()
        self.n_bands = settings.after(spec).n_bands
        self.parts = nn.ModuleList(_chain(part, spec) for part in settings.parts)

    def transformed(self, batch: Batch) -> Batch:
        made: list[Batch] = [part(batch) for part in self.parts]
        counts = [part.values.shape[-1] for part in made]
        if len(set(counts)) > 1:
            raise RunError(f"stack needs as many frames from each part, got {counts}; give its parts the same framing")
        pictures = [in_bands(part.values, self.n_bands) for part in made]
        return made[0].changed(values=torch.cat(pictures, dim=1))

    @property
    def fitted(self) -> Tensor:
        """Whether no part has anything left to learn."""
        return torch.tensor(all(next_learner([part])[1] is None for part in self.parts))

    def update(self, batch: Batch) -> None:
        """Show a batch to the next module that learns in each part."""
        for part in self.parts:
            before, learner = next_learner([part])
            if learner is not None:
                learner.update(passed_through(before, batch))

    def finish(self) -> None:
        """Let those modules make use of what they were shown."""
        for part in self.parts:
            _, learner = next_learner([part])
            if learner is not None:
                learner.finish()


def _chain(steps: tuple[FrontEnd, ...], spec: Spec) -> nn.Sequential:
    modules = []
    for step in steps:
        modules.append(step.build(spec))
        spec = step.after(spec)
    return nn.Sequential(*modules)
