"""Audio without a word about it."""

from pathlib import Path
from typing import ClassVar

import polars as pl

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.sources.class_folders import FolderPerClass
from earmark.data.sources.listing import audio_files, existing_folder, has_audio
from earmark.data.sources.source import Part, Source


class BareFolder(Source, kind="folder"):
    """A folder of audio, searched to the bottom; the clips are unlabelled and named by their path."""

    wanted: ClassVar[str] = "audio files, and no csv beside them"

    vocabulary: tuple[str, ...] = ()
    """The classes that the clips may belong to, where they are to share a vocabulary with others."""
    part: Part = "train"
    """What the clips may serve for."""

    def read(self, root: Path) -> Manifest:
        """Every audio file as one clip.

        Raises:
            DataError: no audio file lies there.
        """
        root = existing_folder(root)
        files = audio_files(root)
        if not files:
            raise DataError(f"no audio file lies in '{root}' or below it; name the folder that holds the clips", root)
        names = pl.Series(files, dtype=pl.String)
        clips = pl.DataFrame({"id": names, "file": names}).with_columns(
            origin=pl.lit("unlabelled"), part=pl.lit(self.part)
        )
        return Manifest.of(clips, classes=self.vocabulary, unlisted=self.unlisted.by_origin(), root=root)

    @classmethod
    def claims(cls, root: Path) -> bool:
        """Audio lies there, no csv at the top, and not one folder a class."""
        return not any(root.glob("*.csv")) and has_audio(root) and not FolderPerClass.claims(root)
