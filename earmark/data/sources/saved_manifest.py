"""A manifest that was saved before."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from earmark.core.manifest import Manifest
from earmark.data.sources.listing import existing_folder
from earmark.data.sources.source import Source
from earmark.data.tables import MANIFEST_FILE, read_manifest


class SavedManifest(Source, kind="manifest"):
    """A folder with a saved manifest; its files lie where it says, and it says itself what an unlisted label means."""

    wanted: ClassVar[str] = f"{MANIFEST_FILE} with its two tables"

    def read(self, root: Path) -> Manifest:
        """The manifest that was saved in this folder; what ``unlisted`` names replaces what it says."""
        manifest = read_manifest(existing_folder(root))
        changed = self.unlisted.model_dump(exclude_unset=True)
        return replace(manifest, unlisted={**manifest.unlisted, **changed})

    @classmethod
    def claims(cls, root: Path) -> bool:
        """A ``manifest.json`` lies there."""
        return (root / MANIFEST_FILE).is_file()
