"""Batch-norm statistics: leaving them alone in a second forward, and taking them anew.

A layer in training normalises by its batch and moves its running statistics, which are what it normalises by in use.
Forwards that are not the student's own (of a teacher, an adversary, a guess, or at other weights) must not move them;
averaged weights need statistics of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def batch_norms(module: nn.Module) -> list[_BatchNorm]:
    """The layers of a module that keep statistics of their batches."""
    return [each for each in module.modules() if isinstance(each, _BatchNorm) and each.track_running_stats]


@contextmanager
def statistics_held(module: nn.Module) -> Iterator[None]:
    """Layers in training normalise by their batches as ever, but their running statistics stay as they are."""
    layers = batch_norms(module)
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True


@contextmanager
def statistics_anew(module: nn.Module) -> Iterator[None]:
    """Running statistics are forgotten, and become the plain mean over the batches of the forwards that follow."""
    layers = batch_norms(module)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # which is torch's way of asking for the plain mean
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
