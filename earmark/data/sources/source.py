"""What every source is: a layout of files and labels that can be read into a manifest."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from earmark.core.family import Member
from earmark.core.settings import Settings

if TYPE_CHECKING:
    from earmark.core.manifest import Manifest, Unlisted

Origin = Literal["curated", "noisy", "unlabelled"]
Part = Literal["train", "test"]
Meaning = Literal["absent", "unknown"]


class Meanings(Settings):
    """What a label that is not listed means, by the origin of the clip."""

    curated: Meaning = "absent"
    """Of clips labelled by trusted people."""
    noisy: Meaning = "absent"
    """Of clips labelled by anybody."""
    unlabelled: Meaning = "unknown"
    """Of clips that nobody labelled."""

    def by_origin(self) -> "dict[str, Unlisted]":
        """The same as a mapping, as a manifest keeps it."""
        return {"curated": self.curated, "noisy": self.noisy, "unlabelled": self.unlabelled}


class Source(Member, ABC, family="source"):
    """A layout in which clips and labels lie in a folder; reading never changes a file."""

    wanted: ClassVar[str] = ""
    """What shows that this layout lies in a folder, in words; empty where nothing can show it."""

    unlisted: Meanings = Meanings()
    """What a label that is not listed means, for each origin: absent or unknown."""

    @abstractmethod
    def read(self, root: Path) -> "Manifest":
        """The clips and labels in this folder; files are named relative to it.

        Raises:
            DataError: the first thing that is not as the layout wants it.
        """

    @classmethod
    @abstractmethod
    def claims(cls, root: Path) -> bool:
        """Whether this layout, with its defaults, seems to lie in an existing folder; a look, not a check."""
