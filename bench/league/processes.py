"""Processes of lines: what they say goes to a file, and whoever stops the league stops them in order."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class Processes:
    """Runs commands, from any number of threads."""

    def __init__(self, threads: int | None) -> None:
        """Begin with none.

        Args:
            threads: of torch in each process; none leaves that to torch.
        """
        self._environment = os.environ | ({} if threads is None else {"OMP_NUM_THREADS": str(threads)})
        self._running: set[subprocess.Popen[bytes]] = set()

    def __call__(self, command: Sequence[str], log: Path) -> int:
        """Run a command to its end; its exit code, negative where a signal ended it."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as said:
            said.write(f"$ {shlex.join(command)}\n".encode())
            said.flush()
            # In a session of its own: Ctrl-C reaches it once, through `stop`, and not a second time from the terminal.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self._environment,
                start_new_session=True,
            )
            self._running.add(process)
            try:
                return process.wait()
            finally:
                self._running.discard(process)

    def stop(self) -> None:
        """Ask every process to end; each leaves what it has done in order."""
        for process in tuple(self._running):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
