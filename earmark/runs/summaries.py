"""Summaries of a run for TensorBoard: the numbers of each epoch as scalars, in the folder ``summaries``.

They are written from the history, which the checkpoint holds: a run that goes on writes those of its earlier epochs
anew and takes away what lay there, so that no curve goes back in time. Epochs are the steps of the curves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

EXTRA = "pip install 'earmark[tensorboard]'"
_EVENTS = "events.out.tfevents.*"
_OF_THE_COURSE = ("lr", "gradient_norm", "seconds", "clips_per_s")


class Writer(Protocol):
    """What is asked of TensorBoard's writer."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...
    def flush(self) -> object: ...
    def close(self) -> object: ...


class Summaries:
    """Writes each epoch once, whatever it is told again."""

    def __init__(self, writer: Writer | None = None) -> None:
        """Begin.

        Args:
            writer: where scalars go; none writes nothing.
        """
        self._writer, self._n_written = writer, 0

    def write(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Write the epochs of a history that were not written yet.

        Args:
            history: one row an epoch from the first on, as the run's log has them.
        """
        if self._writer is None:
            return
        for row in history[self._n_written :]:
            for tag, value in scalars(row).items():
                self._writer.add_scalar(tag, value, row["epoch"])
        self._n_written = len(history)
        self._writer.flush()


def scalars(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of an epoch by TensorBoard's tags: what is before the slash is one group of curves.

    >>> scalars({"epoch": 3, "total": 0.5, "lr": 0.1, "held_out_lwlrap": 0.8, "signs": {"guesses": {"sure": 0.2}}})
    {'loss/total': 0.5, 'training/lr': 0.1, 'held_out/lwlrap': 0.8, 'signs/guesses.sure': 0.2}
    """
    found = {}
    for path, value in _numbers({name: value for name, value in row.items() if name != "epoch"}):
        group, _, rest = path.partition(".")
        whose = next((name for name in ("held_out", "put_aside") if path.startswith(f"{name}_")), None)
        if whose:
            found[f"{whose}/{path.removeprefix(f'{whose}_')}"] = value
        elif rest:
            found[f"{group}/{rest}"] = value
        else:
            found[f"training/{path}" if path in _OF_THE_COURSE else f"loss/{path}"] = value
    return found


@contextmanager
def summaries(folder: Path, say: Callable[[str], None], *, wanted: bool = True) -> Iterator[Summaries]:
    """What writes the summaries of a run; without TensorBoard it says so in one line and writes nothing.

    Args:
        folder: the run's.
        say: is told that line.
        wanted: whether there shall be any.
    """
    made = writer_class() if wanted else None
    if wanted and made is None:
        say(f"no summaries are written, for TensorBoard is not installed; {EXTRA}")
    if made is None:
        yield Summaries()
        return
    place = folder / "summaries"
    for before in place.glob(_EVENTS):
        before.unlink()
    writer = made(str(place))
    try:
        yield Summaries(writer)
    finally:
        writer.close()


def writer_class() -> Callable[[str], Writer] | None:
    """TensorBoard's writer of a folder, as torch brings it; none where TensorBoard is not installed."""
    try:
        found: Callable[[str], Writer] = import_module("torch.utils.tensorboard").SummaryWriter
    except ImportError:
        return None
    return found


def _numbers(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested mappings with its path; whether something is so is no number."""
    for name, value in data.items():
        path = f"{above}.{name}" if above else str(name)
        if isinstance(value, Mapping):
            yield from _numbers(value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield path, float(value)
