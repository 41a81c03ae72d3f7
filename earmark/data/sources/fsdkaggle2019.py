"""FSDKaggle2019, as Kaggle handed it out and as Zenodo keeps it, and sets made in its image.

    Kaggle   train_curated.csv train_noisy.csv [test.csv] [sample_submission.csv] [vocabulary.csv]
             train_curated/ train_noisy/ test/
    Zenodo   FSDKaggle2019.meta/{train_curated,train_noisy,test}_post_competition.csv, vocabulary.csv
             FSDKaggle2019.audio_train_curated/ FSDKaggle2019.audio_train_noisy/ FSDKaggle2019.audio_test/

Tables of either form may also lie at the top; their rows come in any order. A clip is named by its ``fname``, which no
two parts share. ``meta.csv`` (fname and any of fold, group, seconds) is heeded where it lies at the top; a test clip
has no fold, whatever it says.

Fonseca et al., "Audio tagging with noisy labels and minimal supervision", DCASE 2019; Zenodo record 3612637.
"""

import logging
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal, NamedTuple

import polars as pl

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.cells import numbers, read_csv
from earmark.data.sources.listing import existing_folder, present_files
from earmark.data.sources.pictures import no_pictures, picture_in
from earmark.data.sources.source import Origin, Part, Source
from earmark.data.sources.vocabulary import read_vocabulary, spelled

_RENAMED = "it bears another clip's labels, after a renaming that went wrong"
KNOWN_BAD = {
    "f76181c4": _RENAMED,
    "77b925c2": _RENAMED,
    "6a1f682a": _RENAMED,
    "c7db12aa": _RENAMED,
    "7752cc8a": _RENAMED,
    "1d44b0bd": "it has no signal, every sample is zero",
}
"""Curated clips that the organisers of the contest told everybody to leave out, by stem, and why."""

Form = Literal["auto", "kaggle", "zenodo"]

_META = "FSDKaggle2019.meta"
_SUBMISSION = "sample_submission.csv"
_VOCABULARIES = ("vocabulary.csv", f"{_META}/vocabulary.csv")
_ADDRESS = "flickr_video_URL"
_FLICKR_USER = r"flickr\.com/(?:videos|photos)/([^/\s]+)"
_log = logging.getLogger(__name__)


class _Section(NamedTuple):
    """A part of the set and what its files may be called."""

    name: str
    part: Part
    origin: Origin
    kaggle: tuple[str, ...]

    @property
    def zenodo(self) -> tuple[str, ...]:
        return f"{_META}/{self.name}_post_competition.csv", f"{self.name}_post_competition.csv"

    @property
    def folders(self) -> tuple[str, str]:
        return self.name, f"FSDKaggle2019.audio_{self.name}"

    def tables(self, form: Form) -> tuple[str, ...]:
        if form == "auto":
            return (*self.zenodo, *self.kaggle)
        # The answers came out after the contest: who has put them beside the Kaggle tables wants them used.
        return self.zenodo if form == "zenodo" else (*self.kaggle, *(self.zenodo if self.part == "test" else ()))


_SECTIONS = (
    _Section("train_curated", "train", "curated", ("train_curated.csv",)),
    _Section("train_noisy", "train", "noisy", ("train_noisy.csv",)),
    _Section("test", "test", "curated", ("test.csv",)),
)


class FSDKaggle2019(Source, kind="fsdkaggle2019"):
    """Curated and noisy training clips and a test part, in the Kaggle or the Zenodo layout.

    The group of a noisy clip is the Flickr user who uploaded it, where the table has the address (Zenodo form) and
    ``meta.csv`` names no group. Test clips are curated where their answers are known, else unlabelled.
    """

    wanted: ClassVar[str] = f"train_curated.csv or {_META}, with a vocabulary.csv or {_SUBMISSION}"

    form: Form = "auto"
    """Which tables to read where both forms lie there; auto takes those that say more (Zenodo's)."""
    exclude_known_bad: bool = True
    """Leave out the six curated clips whose labels or signal are known to be wrong."""
    check_files: bool = True
    """Whether each listed clip must have its file; without this, packing lists the missing ones."""

    def read(self, root: Path) -> Manifest:
        """The three parts as one manifest.

        Raises:
            DataError: a table or folder is missing or damaged, a name is used twice, a file is missing, or a label is
                outside the vocabulary.
        """
        root = existing_folder(root)
        classes = _vocabulary(root)
        sections = [found for each in _SECTIONS if (found := self._section(root, each, classes)) is not None]
        clips = pl.concat([clips for clips, _ in sections])
        _check_names(clips, root)
        labels = pl.concat([labels for _, labels in sections])
        clips = _with_meta(clips.drop("table"), root / "meta.csv")
        return Manifest.of(clips, labels, classes=classes, unlisted=self.unlisted.by_origin(), root=root)

    @classmethod
    def claims(cls, root: Path) -> bool:
        """The curated table and something to take the vocabulary from lie there."""
        words = any((root / name).is_file() for name in (*_VOCABULARIES, _SUBMISSION))
        return words and any((root / name).is_file() for name in _SECTIONS[0].tables("auto"))

    def _section(
        self, root: Path, section: _Section, classes: tuple[str, ...]
    ) -> tuple[pl.DataFrame, pl.DataFrame] | None:
        """Clips and labels of one part; None where the folder knows nothing of it."""
        path = self._table(root, section)
        if path is None:
            return None
        answered = path.name != _SUBMISSION
        table = read_csv(path, required=("fname", "labels") if answered else ("fname",))
        table = table.with_columns(pl.col("fname").str.strip_chars())
        if self.exclude_known_bad and section.name == "train_curated":
            table = _without_bad(table)
        nothing = pl.lit(None, pl.String)
        clips = table.select(
            id="fname",
            file=self._files(root, section, table["fname"], path),
            origin=pl.lit(section.origin if answered else "unlabelled"),
            part=pl.lit(section.part),
            usage=pl.col("usage").str.strip_chars() if "usage" in table.columns else nothing,
            group=pl.col(_ADDRESS).str.extract(_FLICKR_USER) if _ADDRESS in table.columns else nothing,
            table=pl.lit(path.name),
        )
        said = table.select(clip="fname", label=pl.col("labels").str.split(",") if answered else nothing)
        said = (said.explode("label") if answered else said).filter(pl.col("label").str.strip_chars() != "")
        return clips, said.with_columns(label=spelled(said["label"], classes, path)).unique()

    def _table(self, root: Path, section: _Section) -> Path | None:
        """The table of one part; None where neither table nor audio is there."""
        names = (*section.tables(self.form), *([_SUBMISSION] if section.part == "test" else []))
        path = next((root / name for name in names if (root / name).is_file()), None)
        if path is None and (
            section.name == "train_curated" or any((root / name).is_dir() for name in section.folders)
        ):
            wanted = " or ".join(names)
            raise DataError(f"the clips of {section.name} must be listed in {wanted} in '{root}'; bring it", root)
        return path

    def _files(self, root: Path, section: _Section, names: pl.Series, table: Path) -> pl.Series:
        """Where the clips lie, relative to the root."""
        usual, zenodo = section.folders
        folder = next((name for name in section.folders if (root / name).is_dir()), None)
        if folder is None and self.check_files and (picture := picture_in(root)) is not None:
            raise no_pictures(root, picture)
        if folder is None and self.check_files:
            raise DataError(
                f"the clips that {table.name} lists must lie in '{usual}' or '{zenodo}' in '{root}', and neither is "
                f"there; unpack them, or go on with the tables alone with -s source.kind={self.kind} "
                "-s source.check_files=false",
                root,
            )
        published = self.form != "kaggle" and table.name.endswith("_post_competition.csv")
        folder = folder or (zenodo if published else usual)
        files = (folder + "/" + names).alias("file")
        return present_files(root, files, table.name, self.kind) if self.check_files else files


def _vocabulary(root: Path) -> tuple[str, ...]:
    for name in _VOCABULARIES:
        if (root / name).is_file():
            return read_vocabulary(root / name)
    if (root / _SUBMISSION).is_file():
        return tuple(read_csv(root / _SUBMISSION, required=("fname",), may_be_empty=True).drop("fname").columns)
    raise DataError(
        f"the classes must be named in vocabulary.csv or {_SUBMISSION} in '{root}'; bring one of them", root
    )


def _without_bad(table: pl.DataFrame) -> pl.DataFrame:
    stems = {name: PurePosixPath(name).stem for name in table["fname"].to_list()}
    bad = sorted(name for name, stem in stems.items() if stem in KNOWN_BAD)
    if bad:
        _log.info("%d curated clips are left out because they are known to be wrong: %s", len(bad), ", ".join(bad))
    return table.filter(~pl.col("fname").is_in(bad))


def _check_names(clips: pl.DataFrame, root: Path) -> None:
    twice = clips.filter(pl.col("id").is_duplicated()).sort("id", "table")
    if twice.height:
        name = twice["id"][0]
        tables = twice.filter(pl.col("id") == name)["table"].unique(maintain_order=True).to_list()
        where = f"more than once in {tables[0]}" if len(tables) == 1 else f"in {' and in '.join(tables)}"
        raise DataError(
            f"each fname must be listed once in all, but '{name}' is listed {where} "
            f"({twice['id'].n_unique()} such names in '{root}'); drop or rename the extra ones",
            root,
        )


def _with_meta(clips: pl.DataFrame, path: Path) -> pl.DataFrame:
    """What ``meta.csv`` adds, if there is one."""
    if not path.is_file():
        return clips
    table = read_csv(path, required=("fname",)).with_columns(pl.col("fname").str.strip_chars())
    if table["fname"].is_duplicated().any():
        name = table.filter(pl.col("fname").is_duplicated())["fname"][0]
        raise DataError(
            f"'{path}' must speak once of a clip, but speaks more often of '{name}'; drop the extra rows", path
        )
    said = {"fname": table["fname"]}
    if "fold" in table.columns:
        said["fold"] = numbers(table, "fold", path, pl.Int64)
    if "seconds" in table.columns:
        said["seconds"] = numbers(table, "seconds", path)
    if "group" in table.columns:
        said["meta_group"] = table["group"].str.strip_chars().replace("", None)
    clips = clips.join(pl.DataFrame(said), left_on="id", right_on="fname", how="left")
    if "fold" in said:
        clips = clips.with_columns(fold=pl.when(pl.col("part") == "train").then("fold"))
    if "meta_group" in said:
        clips = clips.with_columns(group=pl.coalesce("meta_group", "group")).drop("meta_group")
    return clips
