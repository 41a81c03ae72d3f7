"""Files that are either the old one or the whole new one, whenever the power goes.

A file is written beside its target under another name, brought to the disk, and only then put in the target's place:
a reader never meets half a file, and a write that fails leaves the old file as it was. What a killed process leaves
behind ends in ``.partial`` and is nobody's data.

This is the one module of the core that touches the disk: the packed store, the runs and the reports all need the same
few lines, and siblings do not import one another.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from earmark.core.errors import DataError

PARTIAL = ".partial"
"""What the name of a file that is still being written ends in."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Put a new file in the place of ``path``, all of it or nothing.

    Args:
        path: the target; folders that it needs are made.
        write: makes the file at the path it is given (a new name in the same folder) and closes it. The rights are
            those of any new file, whatever it leaves there.

    Raises:
        DataError: the disk is full, or the file cannot be written; the target is as it was. Whatever else ``write``
            raises passes through, with the same promise.
    """
    _replace(Path(path), write, wanted=None)


def write_bytes_atomically(path: str | Path, content: bytes) -> None:
    """Put a file of these bytes in the place of ``path``, all of it or nothing.

    Raises:
        DataError: the disk is full, or the file cannot be written; the target is as it was.
    """
    _replace(Path(path), lambda partial: partial.write_bytes(content), wanted=len(content))


def write_text_atomically(path: str | Path, text: str) -> None:
    """Put a UTF-8 file of this text in the place of ``path``, all of it or nothing; line ends stay as they are.

    Raises:
        DataError: the disk is full, or the file cannot be written; the target is as it was.
    """
    write_bytes_atomically(path, text.encode())


def sync(path: str | Path) -> None:
    """Wait until what was written to a file or a folder lies on the disk; a system that cannot say so is believed."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means that a disk or a quota is full.

    Libraries that write by themselves (parquet, safetensors) raise classes of their own around the system's words, so
    the words count as well as the number.

    >>> is_disk_full(OSError(errno.ENOSPC, "No space left on device")), is_disk_full(OSError(errno.EACCES, "no"))
    (True, False)
    """
    number = getattr(error, "errno", None)
    return number in _FULL or any(os.strerror(code) in str(error) for code in _FULL)


def disk_full(path: str | Path, wanted: str | None = None) -> DataError:
    """The sentence for a full disk, ready to raise.

    Args:
        path: what was being written.
        wanted: how much room the rest takes, in words ("about 3.1 GB more"); none where nobody knows.
    """
    path = Path(path)
    folder = next((place for place in (path, *path.parents) if place.is_dir()), Path())
    free = megabytes(_free_bytes(folder))
    takes = f"more than the {free} that are free" if wanted is None else f"{wanted} and {free} are free"
    return DataError(
        f"the disk is full: writing {path} takes {takes}; free some space and run the same command again", path
    )


def megabytes(n_bytes: int) -> str:
    """A number of bytes as people say it.

    >>> megabytes(1_234_567), megabytes(33_000_000_000)
    ('1.2 MB', '33.0 GB')
    """
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"


def _replace(path: Path, write: Callable[[Path], object], *, wanted: int | None) -> None:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rights = _rights_of_a_new(partial)
        write(partial)
        # Some libraries write to a temporary file of their own, which nobody but its owner may read.
        partial.chmod(rights)
        with partial.open("rb+") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
        sync(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if is_disk_full(error):
            raise disk_full(path, None if wanted is None else megabytes(wanted)) from error
        if isinstance(error, OSError):
            raise DataError(
                f"{path} could not be written ({error.strerror or error}); "
                "check that its folder exists and may be written to, or choose another place",
                path,
            ) from error
        raise


def _rights_of_a_new(path: Path) -> int:
    """The mode that any new file gets there; to ask for the umask would be to change it, for other threads as well."""
    path.touch()
    mode = path.stat().st_mode
    path.unlink()
    return mode & 0o777


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
