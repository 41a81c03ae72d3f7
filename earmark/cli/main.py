"""``earmark``: from a folder of sounds to a trained tagger, its tags, its scores and a report.

Whatever goes wrong ends here, in one sentence and an exit code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from earmark.cli import ensemble_commands, prediction_commands  # noqa: F401 - they add their commands to the app
from earmark.cli.commands import app
from earmark.core.errors import EarmarkError

_STOPPED = 130


def run() -> None:
    """The entry point: errors that a person can mend are one sentence and an exit code, never a traceback."""
    debug = bool(os.environ.get("EARMARK_DEBUG"))
    here = str(Path.cwd())
    if here not in sys.path:  # `kind: module:Class` may mean a file of the user's
        sys.path.insert(0, here)
    try:
        app()
    except SystemExit as stop:
        if stop.code == _STOPPED:  # typer has caught the KeyboardInterrupt
            _fail("stopped; the same command goes on where it was", _STOPPED, debug)
        raise
    except EarmarkError as error:
        _fail(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        _fail("stopped; the same command goes on where it was", _STOPPED, debug)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone; say nothing at exit
        sys.exit(141)
    except OSError as error:
        where = f" '{error.filename}'" if error.filename else ""
        _fail(
            f"the system refused: {error.strerror or error}{where}; mend that and run the same command again", 74, debug
        )
    except MemoryError:
        _fail("memory ran out; use smaller batches (streams.<name>.batch_size, inference.batch_s)", 75, debug)
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        _fail(
            f"something earmark did not expect: {type(error).__name__}: {text}; "
            "run again with EARMARK_DEBUG=1 to see where, and tell us",
            70,
            debug,
        )


def _fail(message: str, code: int, debug: bool) -> None:
    if debug:
        raise
    if os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0":  # of several processes the first one speaks
        print(f"earmark: {message}", file=sys.stderr)
    sys.exit(code)
