"""Which layout lies in a folder.

Layouts that show themselves by a table of their own are asked first; mere folders of audio are layouts only where no
table speaks. Where nothing or more than one thing fits, the answer is a fault that says what was looked for: labels
are never guessed.
"""

from __future__ import annotations

from pathlib import Path

from earmark.core.errors import DataError
from earmark.data.sources.listing import existing_folder
from earmark.data.sources.pictures import no_pictures, picture_in
from earmark.data.sources.source import Source

WITH_TABLES = ("manifest", "fsdkaggle2019", "csv")
"""Kinds that a table shows, in the order in which they are asked."""

WITHOUT_TABLES = ("folders", "folder")
"""Kinds that audio files alone show; at most one of them fits."""


def detect(root: str | Path) -> Source:
    """The source, with its defaults, that can read this folder.

    Raises:
        DataError: no such folder, or not exactly one layout fits; with what was looked for. Ready-made pictures in
            place of audio are refused with the reason.
    """
    root = existing_folder(root)
    for kinds in (WITH_TABLES, WITHOUT_TABLES):
        fitting = [kind for kind in kinds if Source.named(kind).claims(root)]
        if len(fitting) == 1:
            return Source.named(fitting[0])()
        if fitting:
            raise DataError(
                f"'{root}' can be read in more than one way: as {' or as '.join(fitting)}; "
                f"choose one, for example with -s source.kind={fitting[0]}",
                root,
            )
    if (picture := picture_in(root)) is not None:
        raise no_pictures(root, picture)
    looked_for = "; ".join(f"{kind}: {Source.named(kind).wanted}" for kind in (*WITH_TABLES, *WITHOUT_TABLES))
    raise DataError(
        f"no layout that earmark knows lies in '{root}'; it looked for {looked_for}; "
        "choose one with -s source.kind=... and say where things are",
        root,
    )
