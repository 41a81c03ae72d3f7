"""Ready-made pictures of sounds, which are no source of clips: they are refused, with the reason and the way back.

In 2019 mel spectrograms went round as pickles (``mels_train_curated.pkl`` and its like, made by daisukelab) or as one
array a clip. Nothing can be heard, packed or augmented as sound from them; their rate, trimming and scale are whatever
somebody chose; and opening a pickle runs whatever it says.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from earmark.core.errors import DataError

PICTURE_SUFFIXES = frozenset({".pkl", ".pickle", ".npy", ".npz", ".h5", ".hdf5"})
"""What the names of ready-made pictures end in, in lower case."""

_PICKLES = frozenset({".pkl", ".pickle", ".npy", ".npz"})


def picture_in(root: Path, names: frozenset[str] = frozenset()) -> str | None:
    """The first ready-made picture in a folder or right below it, by its path; none where there is none.

    Args:
        root: the folder.
        names: names without their suffixes, of which it must have one; where empty, any will do.
    """
    found = []
    for folder in (root, *_folders(root)):
        for path in folder.iterdir():
            fits = path.suffix.lower() in PICTURE_SUFFIXES and (not names or path.stem in names)
            if fits and not path.name.startswith(".") and path.is_file():
                found.append(path.relative_to(root).as_posix())
    return min(found, default=None)


def no_pictures(root: Path, picture: str) -> DataError:
    """The sentence for somebody who has brought pictures instead of sounds, ready to raise."""
    risk = ", and to open such a file may run what it holds" if PurePosixPath(picture).suffix in _PICKLES else ""
    return DataError(
        f"audio was wanted, but '{root}' brings ready-made pictures ('{picture}'): nothing can be heard, cut or "
        f"changed as sound from these{risk}; bring the audio they were made of, and recipe three_stages makes such "
        "pictures of it again (pack.trim_db, log_mel and image)",
        root,
    )


def _folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
