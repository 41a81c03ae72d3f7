"""The view: what is done to a batch between the stream and the model, as an ordered list of steps.

A recipe writes it as a list (``view: [{kind: mixup}, {kind: log_mel}]``); `check` says whether the steps fit one
another and what comes out; `build_view` makes the module. The *clean* view, used for prediction and for learning
statistics, is the same module without its augmentations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import nn

from earmark.core.batch import Batch, together
from earmark.core.chance import Chance
from earmark.core.errors import RunError, SettingsError
from earmark.dsp.precision import in_full
from earmark.signal.fitting import Fittable, next_learner, passed_through
from earmark.signal.step import Augment, FrontEnd, Spec, Step


def check(steps: Sequence[Step], spec: Spec) -> Spec:
    """What comes out of the steps when ``spec`` goes in.

    Raises:
        SettingsError: a step cannot take what the one before it gives, with the place of the step.
    """
    for place, step in enumerate(steps):
        if not isinstance(step, FrontEnd | Augment):
            raise SettingsError(f"view.{place}: '{step.kind}' is neither a front end nor an augmentation; take it out")
        try:
            spec = step.after(spec)
        except SettingsError as error:
            raise SettingsError(f"view.{place} ({step.kind}): {error}") from None
    return spec


class ViewModule(nn.Module):
    """The steps as one module from `Batch` to `Batch`; what its front ends have learned is its state.

    Args:
        steps: the steps, in order.
        spec: what goes in.

    Raises:
        SettingsError: the steps do not fit one another.
    """

    def __init__(self, steps: Sequence[Step], spec: Spec) -> None:
        super().__init__()
        self.steps = tuple(steps)
        self.spec = check(steps, spec)
        """What comes out."""
        # Front ends are numbered among themselves, so a view with more augmentations reads the same state.
        self.frontends = nn.ModuleList()
        for step in self.steps:
            if isinstance(step, FrontEnd):
                self.frontends.append(step.build(spec))
            spec = step.after(spec)

    @property
    def mixes(self) -> bool:
        """Whether any step mixes clips."""
        return any(isinstance(step, Augment) and step.mixes for step in self.steps)

    @property
    def reads_labels(self) -> bool:
        """Whether the values that come out depend on the targets that go in."""
        return any(isinstance(step, Augment) and step.reads_labels for step in self.steps)

    def forward(
        self,
        batch: Batch,
        chance: Chance | None = None,
        others: Mapping[str, Batch] = MappingProxyType({}),
        mix: bool = True,
    ) -> Batch:
        """The batch as the model gets it, worked out in float32, mixed precision or not.

        Args:
            batch: what the stream gives, on the device of this module; it is not changed.
            chance: names the augmentations' random numbers; None leaves augmentations out (the clean view).
            others: the batches of the other streams by name, for steps that mix them in. They go through the steps as
                guests of the batch, up to the last step that wants them.
            mix: whether steps that mix clips do so; without them, two draws are two views of the same sounds. The
                other augmentations draw the same numbers either way.
        """
        guests, last = self._guests(others) if chance is not None and mix else ({}, -1)
        if guests:
            told = tuple((name, len(guest)) for name, guest in guests.items())
            batch = together([batch, *guests.values()]).changed(guests=told)
        frontends = iter(self.frontends)
        with in_full(batch.values.device):
            for place, step in enumerate(self.steps):
                if not isinstance(step, Augment):
                    batch = next(frontends)(batch)
                elif chance is not None and (mix or not step.mixes):
                    batch = step.apply(batch, step.draw(batch, chance.at("augment", index=place).torch()))
                if place == last:
                    batch = batch.own()
        return batch

    def _guests(self, others: Mapping[str, Batch]) -> tuple[dict[str, Batch], int]:
        """The batches that some step mixes in, by stream, and the place of the last such step."""
        wanted = {place: step.guests for place, step in enumerate(self.steps) if isinstance(step, Augment)}
        names = dict.fromkeys(name for names in wanted.values() for name in names if name in others)
        return {name: others[name] for name in names}, max((p for p, names in wanted.items() if names), default=-1)

    @property
    def needs_fit(self) -> bool:
        """Whether any step still has to learn statistics from training batches."""
        return next_learner(self.frontends)[1] is not None

    @torch.no_grad()
    def fit(self, batches: Iterable[Batch]) -> int:
        """Let the steps that need it learn from training batches, through the clean view.

        Where nothing is left to learn, the batches are not touched. A step that comes after another that learns has to
        see what the first makes of the batches, so there is one pass for each: then ``batches`` must be something
        that can be gone through again, like a list.

        Returns:
            How many clips were learned from; 0 when there was nothing to learn.

        Raises:
            RunError: there were no batches, or none the second time.
        """
        n_clips = 0
        before, learner = next_learner(self.frontends)
        while learner is not None:
            n_clips = _taught(learner, before, batches)
            before, learner = next_learner(self.frontends)
        return n_clips


def build_view(steps: Sequence[Step], spec: Spec) -> ViewModule:
    """The module for these steps; see `ViewModule`."""
    return ViewModule(steps, spec)


def _taught(step: Fittable, before: Sequence[nn.Module], batches: Iterable[Batch]) -> int:
    """Let one module learn from what those before it make of the batches; how many clips there were."""
    n_clips = 0
    for batch in batches:
        n_clips += len(batch)
        step.update(passed_through(before, batch))
    if not n_clips:
        raise RunError(
            "the view has statistics to learn, but got no training batches; give a list of batches, which can be gone "
            "through once for each step that learns"
        )
    step.finish()
    return n_clips
