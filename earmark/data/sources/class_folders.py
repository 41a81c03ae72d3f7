"""One folder a class."""

from pathlib import Path
from typing import ClassVar, get_args

import polars as pl

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.sources.listing import audio_files, existing_folder, has_audio, subfolders
from earmark.data.sources.source import Origin, Part, Source
from earmark.data.sources.vocabulary import inferred, spelled


class FolderPerClass(Source, kind="folders"):
    """One folder a class, named after it; clips are named by their path.

    Where the folder holds no folders but ``train`` and ``test``, these are the parts, and the classes lie in them.
    """

    wanted: ClassVar[str] = "two or more folders with audio right in them, none beside them, and no csv"

    vocabulary: tuple[str, ...] = ()
    """The classes, in order; where it is empty, the names of the folders in alphabetical order."""
    origin: Origin = "curated"
    """How far the folders' names can be trusted."""

    def read(self, root: Path) -> Manifest:
        """Every audio file in a folder as a clip of its class; folders without audio are passed over.

        Raises:
            DataError: audio that lies in no class's folder, no audio at all, or a folder outside the vocabulary.
        """
        root = existing_folder(root)
        rows = [
            {"id": f"{prefix}{folder.name}/{file}", "label": folder.name, "part": part}
            for part, prefix, folder in _class_folders(root)
            for file in audio_files(folder)
        ]
        if not rows:
            raise DataError(
                f"no folder in '{root}' holds audio; put the clips of each class in a folder of its name", root
            )
        table = pl.DataFrame(rows, schema=dict.fromkeys(("id", "label", "part"), pl.String))
        classes = self.vocabulary or inferred(table["label"])
        labels = table.select(clip="id", label=spelled(table["label"], classes, root), by=pl.lit("folder"))
        clips = table.select("id", "part", file="id", origin=pl.lit(self.origin))
        return Manifest.of(clips, labels, classes=classes, unlisted=self.unlisted.by_origin(), root=root)

    @classmethod
    def claims(cls, root: Path) -> bool:
        """Two or more folders hold audio, none of it further down or at the top."""
        if any(root.glob("*.csv")):
            return False
        tops = _tops(root)
        folders = [each for _, _, top in tops for each in subfolders(top) if has_audio(each)]
        shallow = all(has_audio(each, below=False) for each in folders)
        return len(folders) >= 2 and shallow and not any(has_audio(top, below=False) for _, _, top in tops)


def _tops(root: Path) -> list[tuple[Part, str, Path]]:
    """(part, path of its folder with a slash behind, folder) of each part; the folder itself where no part shows."""
    inner = subfolders(root)
    if inner and {folder.name for folder in inner} <= set(get_args(Part)):
        return [("test" if folder.name == "test" else "train", f"{folder.name}/", folder) for folder in inner]
    return [("train", "", root)]


def _class_folders(root: Path) -> list[tuple[Part, str, Path]]:
    """(part, path before the folder's name, folder) of each class."""
    tops = _tops(root)
    for _, _, folder in tops:
        if has_audio(folder, below=False):
            raise DataError(f"audio lies in '{folder}' outside the folders of the classes; move it into one", folder)
    return [(part, prefix, each) for part, prefix, folder in tops for each in subfolders(folder)]
