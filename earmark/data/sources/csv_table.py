"""Clips and labels in one csv of any make.

Columns are found by their usual names unless the settings name them. Files are named relative to ``audio_folder`` in
the data folder.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.core.settings import Settings, nearest
from earmark.data.cells import read_csv
from earmark.data.sources.fsdkaggle2019 import FSDKaggle2019
from earmark.data.sources.listing import existing_folder, present_files
from earmark.data.sources.sheet import (
    USUAL_NAMES,
    Sheet,
    clips_of,
    column_labels,
    joined_labels,
    one_row_each,
    refuse_torn,
    row_labels,
    understood,
)
from earmark.data.sources.source import Origin, Part, Source
from earmark.data.sources.vocabulary import inferred, read_vocabulary, spelled


class Columns(Settings):
    """What the columns are called; where nothing is said, a column of the usual name is heeded if there is one."""

    file: str | None = None
    """The audio file; usually file, fname, filename or path."""
    label: str | None = None
    """The label or labels; usually labels, label, tags, class or category."""
    id: str | None = None
    """The clip's name; without it a clip is named by its file, and its span where it has one."""
    start_s: str | None = None
    """Where the clip starts in its file, in seconds."""
    end_s: str | None = None
    """Where the clip ends in its file, in seconds; an empty cell means at the end."""
    origin: str | None = None
    """Whom the labels come from: curated, noisy or unlabelled."""
    part: str | None = None
    """train or test."""
    usage: str | None = None
    """A section of the test part that is reported by itself, for example Public or Private."""
    group: str | None = None
    """What folds must not split: a recording, a speaker, a place."""
    fold: str | None = None
    """The fold, a whole number from 0."""
    seconds: str | None = None
    """The clip's length in seconds."""
    state: str | None = None
    """Of the label in a row (layout rows): present, absent or unknown."""
    confidence: str | None = None
    """How sure the label in a row is (layout rows), in [0, 1]."""


class Csv(Source, kind="csv"):
    """A csv that names files and labels."""

    wanted: ClassVar[str] = (
        "one csv with a column of files (file, fname, filename, path) and one of labels (if it has one column a class "
        "instead, say so with -s source.kind=csv -s source.layout=columns)"
    )

    table: str | None = None
    """The csv, relative to the data folder; None takes the only one with a column of files and one of labels."""
    layout: Literal["joined", "columns", "rows"] = "joined"
    """How labels stand: a clip's in one cell; one column a class (1, 0 or how sure between); one row a label."""
    separator: Annotated[str, Field(min_length=1)] = ","
    """What stands between two labels in one cell."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """What stands between two cells."""
    columns: Columns = Columns()
    """What the columns are called."""
    vocabulary: str | tuple[str, ...] = ()
    """The classes in order, or a file that names them; where empty, what the table uses, in alphabetical order."""
    audio_folder: str = ""
    """The folder that the table's files are relative to, itself relative to the data folder."""
    suffix: str = ""
    """What the table's names lack to be names of files, for example .wav."""
    origin: Origin = "curated"
    """The origin of clips where no column says it."""
    part: Part = "train"
    """The part of clips where no column says it."""
    check_files: bool = True
    """Whether each listed clip must have its file; without this, packing lists the missing ones."""

    def read(self, root: Path) -> Manifest:
        """The clips and labels of the table.

        Raises:
            DataError: the table or a column is missing or damaged, a clip is listed twice, a file is missing, or a
                label is outside the vocabulary.
        """
        root = existing_folder(root)
        path = root / self.table if self.table else _only_table(root, self.delimiter)
        sheet = self._sheet(path)
        clips = clips_of(sheet, folder=self.audio_folder, suffix=self.suffix, origin=self.origin, part=self.part)
        if self.check_files:
            clips = clips.with_columns(present_files(root, clips["file"], path.name, self.kind))
        classes = read_vocabulary(root / self.vocabulary) if isinstance(self.vocabulary, str) else self.vocabulary
        if self.layout == "columns":
            places = _class_columns(sheet, classes)
            absent = [origin for origin, meaning in self.unlisted.by_origin().items() if meaning == "absent"]
            labels, classes = column_labels(sheet, clips, places, absent), tuple(places)
        else:
            joined = self.layout == "joined"
            labels = joined_labels(sheet, clips["id"], self.separator) if joined else row_labels(sheet, clips["id"])
            if joined and not classes:
                refuse_torn(labels["label"], path)
            classes = classes or inferred(labels["label"])
        labels = labels.with_columns(label=spelled(labels["label"], classes, path)).unique()
        clips = one_row_each(clips, path, repeats=self.layout == "rows")
        return Manifest.of(clips, labels, classes=classes, unlisted=self.unlisted.by_origin(), root=root)

    @classmethod
    def claims(cls, root: Path) -> bool:
        """Exactly one csv at the top has a column of files and one of labels, and is no part of FSDKaggle2019."""
        return len(_likely_tables(root, ",")) == 1 and not FSDKaggle2019.claims(root)

    def _sheet(self, path: Path) -> Sheet:
        asked = self.columns.model_dump()
        if self.layout == "columns":  # there, label, class or category may be the name of a class
            asked = {
                meaning: name for meaning, name in asked.items() if meaning not in ("label", "state", "confidence")
            }
        labelled = self.layout != "columns" and self.origin != "unlabelled"
        return understood(read_csv(path, delimiter=self.delimiter), asked, ("file", "label")[: 1 + labelled], path)


def _class_columns(sheet: Sheet, classes: tuple[str, ...]) -> dict[str, str]:
    """The column of each class; without a vocabulary every column that means nothing else is one."""
    others = [name for name in sheet.table.columns if name not in sheet.named.values()]
    if not classes:
        return {name: name for name in others}
    loosely = {name.casefold(): name for name in others}
    for name in classes:
        if name.casefold() not in loosely:
            raise DataError(f"'{sheet.path}' has no column for the class '{name}'; {nearest(name, others)}", sheet.path)
    return {name: name if name in others else loosely[name.casefold()] for name in classes}


def _only_table(root: Path, delimiter: str) -> Path:
    tables = _likely_tables(root, delimiter) or sorted(root.glob("*.csv"))
    if len(tables) != 1:
        names = f"got {', '.join(path.name for path in tables[:4])}" if tables else "got none"
        raise DataError(
            f"one csv was wanted in '{root}', {names}; name it with -s source.kind=csv -s source.table=...", root
        )
    return tables[0]


def _likely_tables(root: Path, delimiter: str) -> list[Path]:
    """The tables at the top whose first line names a column of files and one of labels."""
    found = []
    for path in sorted(root.glob("*.csv")):
        if not path.is_file():
            continue
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            names = {cell.strip().strip('"').casefold() for cell in file.readline(65536).split(delimiter)}
        if all(names & set(usual) for usual in USUAL_NAMES.values()):
            found.append(path)
    return found
