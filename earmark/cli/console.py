"""What a person sees: bars with rate and remaining time where there is a terminal, plain lines where there is none.

Data go to standard output, everything else to standard error, so that a pipe gets nothing but data.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, Task, TaskID


class _Notes(logging.Handler):
    """Says what the package notes in passing, such as files that are known to be bad and left out."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.say(record.getMessage())


class Console:
    """Shows progress and lines on standard error."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._bar: Progress | None = None
        self._counting: dict[str, TaskID] = {}
        self._told = time.monotonic()
        notes = logging.getLogger("earmark")
        notes.setLevel(logging.INFO)
        notes.handlers = [_Notes(self)]  # one console speaks at a time, the last that was made

    @property
    def live(self) -> bool:
        """Whether there is anybody to see a bar move."""
        return sys.stderr.isatty() and not self.quiet

    def track(self, numbers: Iterable[int], total: int, what: str) -> Iterator[int]:
        """Pass the numbers through, with a bar that counts them."""
        if not self.live:
            yield from numbers
            return
        bar = self._started()
        task = bar.add_task(what, total=total)
        try:
            for number in numbers:
                yield number
                bar.advance(task)
        finally:
            bar.remove_task(task)
            self._stop_when_idle()

    def count(self, done: int, total: int, what: str) -> None:
        """Show how far something is; without a terminal, a line every ten seconds."""
        if not self.live:
            if not self.quiet and done < total and time.monotonic() - self._told > 10:
                self._told = time.monotonic()
                self.say(f"{what}: {done} of {total}")
            return
        bar = self._started()
        if what not in self._counting:
            self._counting[what] = bar.add_task(what, total=total)
        bar.update(self._counting[what], completed=done, total=total)
        if done >= total:
            bar.remove_task(self._counting.pop(what))
            self._stop_when_idle()

    def say(self, line: str) -> None:
        """Write one line, above the bars."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _started(self) -> Progress:
        if self._bar is None:
            from rich.console import Console as Terminal
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                _rate(),
                TimeRemainingColumn(),
                console=Terminal(stderr=True),
                transient=True,
            )
            self._bar.start()
        return self._bar

    def _stop_when_idle(self) -> None:
        if self._bar is not None and not self._bar.tasks:
            self._bar.stop()
            self._bar = None


def _rate() -> ProgressColumn:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """How many a second."""

        def render(self, task: Task) -> Text:
            return Text("" if not task.speed else f"{task.speed:.1f}/s")

    return Rate()
