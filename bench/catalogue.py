"""The benchmarks there are, by the names of their modules, in the order of the page."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from bench.row import Row

BENCHMARKS = {
    "log_mel": "Log-mel features",
    "front_ends": "Other front ends",
    "effects": "Changes of waves",
    "augmenting": "What augmentation costs a training step",
    "training_step": "A training step",
    "encoders": "Encoders",
    "crops": "Random crops",
    "inference": "Scores of clips of many lengths",
}
"""Headings by name."""


class Benchmark(Protocol):
    """What a module of a benchmark is."""

    __doc__: str | None

    def measure(self, quick: bool = False) -> list[Row]:
        """Compare; ``quick`` only shows that it runs, with little work and few turns."""


def benchmark(name: str) -> Benchmark:
    """The module of a benchmark."""
    return cast(Benchmark, import_module(f"bench.{name}"))


def described(name: str) -> str:
    """What a benchmark does, in the words of its module, as Markdown."""
    return (benchmark(name).__doc__ or "").strip().replace("``", "`")
