"""Audio files in folders: which there are, and whether those that a table names are there.

Paths are relative to the folder that was asked for and written with slashes. Names that start with a dot are nobody's
clips. Whether a file really is audio is for decoding to say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import polars as pl

from earmark.core.errors import DataError
from earmark.data.cells import missing
from earmark.data.sources.pictures import PICTURE_SUFFIXES, no_pictures, picture_in

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"}
    | {".w64", ".rf64", ".m4a", ".m4b", ".mp4", ".aac", ".wma", ".3gp", ".amr", ".mka", ".webm"}
)
"""What the names of audio files end in, in lower case."""


def existing_folder(root: str | Path) -> Path:
    """The folder, or the fault that it is not there.

    Raises:
        DataError: there is no such folder (with the nearest that is there), or it is a file.
    """
    root = Path(root)
    if root.is_file() and root.suffix.lower() in PICTURE_SUFFIXES:
        raise no_pictures(root.parent, root.name)
    if root.is_file():
        raise DataError(f"a folder with clips was wanted, but '{root}' is a file; name the folder it lies in", root)
    if not root.is_dir():
        raise missing(root, "data folder")
    return root


def audio_files(folder: Path) -> list[str]:
    """Every audio file in a folder and the folders below it, in alphabetical order.

    Raises:
        DataError: a file's name is not UTF-8.
    """
    return sorted(
        path for path in _walk(folder, "", frozenset()) if PurePosixPath(path).suffix.lower() in AUDIO_SUFFIXES
    )


def has_audio(folder: Path, *, below: bool = True) -> bool:
    """Whether an audio file lies in a folder, or in one below it."""
    found = _walk(folder, "", frozenset(), below=below)
    return any(PurePosixPath(path).suffix.lower() in AUDIO_SUFFIXES for path in found)


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, in alphabetical order, without hidden ones."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def present_files(root: Path, files: pl.Series, listed_in: str, kind: str) -> pl.Series:
    """The files of a table as they lie on the disk.

    A file that was converted since the table was written, so that only its suffix differs, is taken for the one meant.

    Args:
        root: the folder that the names are relative to.
        files: paths with slashes.
        listed_in: the name of the table, for the sentence.
        kind: the kind of source that reads it, for the option that the sentence names.

    Raises:
        DataError: how many files are missing, with the first three; or that pictures of them came in their place.
    """
    folders: dict[str, tuple[set[str], dict[str, str]]] = {}
    found, lost = [], []
    for file in files.to_list():
        folder, _, name = file.rpartition("/")
        if folder not in folders:
            folders[folder] = _names_in(root / folder)
        names, by_stem = folders[folder]
        stem = PurePosixPath(name).stem
        if name not in names and stem not in by_stem:
            lost.append(file)
        found.append(file if name in names else f"{folder}/{by_stem.get(stem)}".removeprefix("/"))
    if lost:
        # Where nothing at all is there, one file may stand for all clips; else only what is named after a clip counts.
        stems = frozenset(PurePosixPath(file).stem for file in lost) if len(lost) < len(found) else frozenset()
        if (picture := picture_in(root, stems)) is not None:
            raise no_pictures(root, picture)
        some = ", ".join(f"'{file}'" for file in lost[:3]) + (", ..." if len(lost) > 3 else "")
        raise DataError(
            f"{len(lost)} of the {len(found)} files that {listed_in} lists are not in '{root}': {some}; bring them, or "
            f"have packing list them as missing with -s source.kind={kind} -s source.check_files=false",
            root,
        )
    return pl.Series("file", found, pl.String)


def _names_in(folder: Path) -> tuple[set[str], dict[str, str]]:
    """The names in a folder, and those of audio files by their stem where no two share it."""
    if not folder.is_dir():
        return set(), {}
    with os.scandir(folder) as entries:
        names = {entry.name for entry in entries if entry.is_file()}
    by_stem: dict[str, str] = {}
    shared = set()
    for name in names:
        path = PurePosixPath(name)
        if path.suffix.lower() in AUDIO_SUFFIXES:
            shared |= {path.stem} & by_stem.keys()
            by_stem[path.stem] = name
    return names, {stem: name for stem, name in by_stem.items() if stem not in shared}


def _walk(folder: Path, prefix: str, above: frozenset[tuple[int, int]], *, below: bool = True) -> Iterator[str]:
    """Every file, links to folders followed as long as they lead to no folder that is being walked already."""
    state = folder.stat()
    here = (state.st_dev, state.st_ino)
    if here in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if any("\ud800" <= sign <= "\udfff" for sign in entry.name):  # how Python keeps bytes that are no text
                raise DataError(f"the name of {prefix + entry.name!a} is not UTF-8; rename it", folder)
            if entry.is_file():
                yield prefix + entry.name
            elif below and entry.is_dir():
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", above | {here})
