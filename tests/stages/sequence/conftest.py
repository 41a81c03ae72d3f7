"""What the tests of sequences share: generated sounds, packed once, and a recipe that trains in a second."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from earmark.demo.dataset import DemoSettings, generate
from earmark.stages.recipe import Recipe, read_recipe
from earmark.stages.sequence.ground import Ground

TINY = (
    "model.encoder.widths=[4, 8]",
    "training.epochs=2",
    "training.precision=float32",
    "training.average=null",
    "streams.curated.batch_size=8",
    "view.0.mel.n_mels=16",
    "view.2.widest_bands=4",
)


class Told:
    """Remembers what was said, and stops like somebody who presses Ctrl-C when the n-th thing happens.

    What was done before and what is packed already is passed over without counting as something that happens.
    """

    def __init__(self, stop_at: int | None = None) -> None:
        self.lines: list[str] = []
        self.stop_at = stop_at
        self.n_new = 0

    def track(self, numbers: Iterable[int], total: int, what: str) -> Iterable[int]:
        for number in numbers:
            if what.startswith(("clean", "predict")):
                self._count(f"{what}: {number} of {total}")
            yield number

    def count(self, done: int, total: int, what: str) -> None:
        pass

    def say(self, line: str) -> None:
        self._count(line)

    def _count(self, line: str) -> None:
        self.lines.append(line)
        self.n_new += "skipped (" not in line and "packed" not in line
        if self.n_new == self.stop_at:
            raise KeyboardInterrupt


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated data set of about fifty clips, each a group of its own."""
    folder = tmp_path_factory.mktemp("sounds")
    generate(folder, DemoSettings(size=0.05, longest_s=3.0), workers=1)
    (folder / "meta.csv").unlink()  # it says which clips were recorded together
    return folder


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where their packed audio lies."""
    return tmp_path_factory.mktemp("store")


GroundOf = Callable[..., Ground]


@pytest.fixture
def ground_of(sounds: Path, store: Path) -> GroundOf:
    """Makes the ground of a sequence on these sounds."""

    def make(**rest: object) -> Ground:
        return Ground(sounds, store=store, device="cpu", **rest)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    """A recipe that trains in a second."""
    return read_recipe("demo", TINY)
