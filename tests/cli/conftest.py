"""The command line as a test calls it, and a tiny data set with a run made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from earmark.cli.main import run
from earmark.demo.dataset import DemoSettings, generate

TINY = (
    "model.encoder.widths=[4, 8]",
    "training.epochs=2",
    "training.precision=float32",
    "streams.curated.batch_size=8",
    "view.0.mel.n_mels=16",
    "view.2.widest_bands=4",
)
"""Changes to the demo recipe that make it train in a second."""


class Said(NamedTuple):
    """What a command left: its exit code and both its streams."""

    code: int
    out: str
    err: str


Earmark = Callable[..., Said]


@pytest.fixture
def earmark(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Earmark:
    """Call ``earmark`` in this process, through its entry point."""

    def call(*arguments: object) -> Said:
        monkeypatch.setattr("sys.argv", ["earmark", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            run()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated data set of about fifty clips."""
    folder = tmp_path_factory.mktemp("sounds")
    generate(folder, DemoSettings(size=0.05), workers=1)
    return folder


def train_arguments(sounds: Path, work: Path, *more: str) -> list[object]:
    """The arguments of a tiny training in a folder."""
    changes = [part for change in TINY for part in ("-s", change)]
    return ["train", "demo", "--data", sounds, "--out", work / "run", "--store", work / "store", *changes, *more]


@pytest.fixture(scope="session")
def trained(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run, ``run``, and the store it was made from, ``store``."""
    work = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["earmark", *map(str, train_arguments(sounds, work, "--fold", "0"))])
        with pytest.raises(SystemExit) as stop:
            run()
    assert stop.value.code == 0
    return work
