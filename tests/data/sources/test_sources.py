"""The law of sources, over every member: reading names every clip's file, in one order, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.sources.bare_folder import BareFolder
from earmark.data.sources.class_folders import FolderPerClass
from earmark.data.sources.detection import WITH_TABLES, WITHOUT_TABLES, detect
from earmark.data.sources.listing import audio_files
from earmark.data.sources.saved_manifest import SavedManifest
from earmark.data.sources.source import Source
from earmark.data.tables import write_manifest
from earmark.stages.recipe import read_recipe


def lay(root: Path, *files: str, **texts: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name, text in texts.items():
        (root / f"{name}.csv").write_text(text)
    return root


def saved(root: Path) -> Path:
    lay(root, "x/a.wav", "b.wav")
    clips = pl.DataFrame({"id": ["a", "b"], "file": ["x/a.wav", "b.wav"]})
    labels = pl.DataFrame({"clip": ["a"], "label": ["Bark"]})
    write_manifest(Manifest.of(clips, labels, classes=("Bark",), unlisted={"noisy": "unknown"}, root=root), root)
    return root


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "fsdkaggle2019": lambda root: lay(
        root,
        "train_curated/a.wav",
        "train_noisy/b.wav",
        train_curated="fname,labels\na.wav,Bark\n",
        train_noisy="fname,labels\nb.wav,Bark\n",
        vocabulary="0,Bark\n1,Meow\n",
    ),
    "csv": lambda root: lay(root, "a.wav", "b.ogg", labels="file,labels\nb.ogg,Meow\na.wav,Bark\n"),
    "folders": lambda root: lay(root, "Meow/b.wav", "Bark/a.wav", "Bark/deep/c.flac", "Bark/notes.txt", "empty/x.txt"),
    "folder": lambda root: lay(root, "z.WAV", "deep/er/a.mp3", ".hidden.wav", ".trash/b.wav", "notes.txt"),
    "manifest": saved,
}


@pytest.mark.parametrize("kind", list(Source.members()))
def test_every_source_finds_its_layout_and_leaves_it_alone(kind: str, tmp_path: Path) -> None:
    root = LAYOUTS[kind](tmp_path)  # a new member needs its layout here
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    source = detect(root)
    assert source.kind == kind and source == Source.named(kind)()
    manifest = source.read(root)
    assert manifest.root == root and len(manifest) >= 2
    assert all((root / file).is_file() for file in manifest.clips["file"])
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    again = source.read(root)
    assert again.clips.equals(manifest.clips) and again.labels.equals(manifest.labels)


@pytest.mark.parametrize("kind", list(Source.members()))
def test_every_source_says_that_its_folder_is_missing(kind: str, tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    source = Source.named(kind)()
    with pytest.raises(DataError, match=r"no data folder '.*recording'; did you mean '.*recordings'"):
        source.read(tmp_path / "recording")
    (tmp_path / "table.csv").touch()
    with pytest.raises(DataError, match="is a file; name the folder it lies in"):
        source.read(tmp_path / "table.csv")
    with pytest.raises(DataError):
        source.read(tmp_path / "recordings")


def test_detection_asks_every_member_once() -> None:
    assert sorted(WITH_TABLES + WITHOUT_TABLES) == list(Source.members())


def test_detection_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no layout that earmark knows lies in .*manifest\.json.*train_curated\.csv.*csv"
    ):
        detect(tmp_path)
    lay(tmp_path, "a.wav", notes="when,what\n1,x\n")
    with pytest.raises(DataError, match=r"one column a class .*source\.layout=columns.* -s source\.kind=\.\.\."):
        detect(tmp_path)  # the table may hold labels, and labels are never passed over in silence


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("csv", {"clips": "fname,labels\nb.wav,Bark\n"}),
        ("csv", {"clips": "fname,labels\na.wav,Bark;Meow\na.flac,Bark\n"}),
        ("csv", {"clips": "fname,labels\na.wav,Bark\na.wav,Meow\n"}),
        ("csv", {"clips": "fname,labels\na.wav,Bark\n", "more": "fname,labels\na.wav,Bark\n"}),
        ("fsdkaggle2019", {"train_curated": "fname,labels\nb.wav,Bark\n", "vocabulary": "Bark\n"}),
        ("fsdkaggle2019", {"train_curated": "fname,labels\nb.wav,Bark\n", "vocabulary": "Bark\n", "train": ""}),
    ],
)
def test_the_options_that_a_fault_names_can_be_typed_and_mend_it(
    tmp_path: Path, kind: str, tables: dict[str, str]
) -> None:
    root = lay(tmp_path, "a.wav", "a.flac", *(["train_curated/x.wav"] if "train" in tables else []), **tables)
    with pytest.raises(DataError) as caught:
        Source.named(kind)().read(root)
    options = [word.strip('",;') for word in re.findall(r'-s ("[^"]+"|\S+)', str(caught.value))]
    source = read_recipe("demo", tuple(option.replace("...", "more.csv") for option in options)).source
    assert source is not None and len(source.read(root))


def test_detection_refuses_to_choose_between_two_tables(tmp_path: Path) -> None:
    saved(tmp_path)
    lay(tmp_path, tags="file,labels\nb.wav,Bark\n", labels="", clips="")
    with pytest.raises(DataError, match=r"as manifest or as csv; choose one, .* -s source\.kind=manifest$"):
        detect(tmp_path)


def test_tables_go_before_folders(tmp_path: Path) -> None:
    lay(tmp_path, "train_curated/a.wav", "test/b.wav")
    assert detect(tmp_path).kind == "folders"
    lay(tmp_path, train_curated="fname,labels\na.wav,Bark\n", sample_submission="fname,Bark\nb.wav,0\n")
    assert detect(tmp_path).kind == "fsdkaggle2019"
    assert detect(tmp_path).read(tmp_path).where(part="test").clips["origin"].item() == "unlabelled"


def test_folders_of_data_sets_are_not_classes(tmp_path: Path) -> None:
    lay(tmp_path, "one/wav/a.wav", "two/wav/b.wav")
    assert detect(tmp_path).kind == "folder"


def test_class_folders_with_parts_and_a_vocabulary(tmp_path: Path) -> None:
    root = lay(tmp_path, "train/Bark/a.wav", "train/Meow/b.wav", "test/Bark/a.wav")
    manifest = detect(root).read(root)
    assert manifest.clips.select("id", "part").rows() == [
        ("test/Bark/a.wav", "test"),
        ("train/Bark/a.wav", "train"),
        ("train/Meow/b.wav", "train"),
    ]
    assert FolderPerClass(vocabulary=("Rain", "Meow", "Bark")).read(root).classes == ("Rain", "Meow", "Bark")
    with pytest.raises(DataError, match="outside the vocabulary"):
        FolderPerClass(vocabulary=("Rain", "Meow")).read(root)


def test_class_folders_refuse_audio_without_a_class(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder in '.*' holds audio"):
        FolderPerClass().read(tmp_path)
    lay(tmp_path, "Bark/a.wav", "b.wav")
    with pytest.raises(DataError, match=r"audio lies in '.*' outside the folders of the classes"):
        FolderPerClass().read(tmp_path)


def test_a_bare_folder_knows_nothing_of_its_clips(tmp_path: Path) -> None:
    root = LAYOUTS["folder"](tmp_path)
    manifest = BareFolder(vocabulary=("Bark",), part="test").read(root)
    assert manifest.ids == ("deep/er/a.mp3", "z.WAV")
    assert set(manifest.clips["origin"]) == {"unlabelled"} and set(manifest.clips["part"]) == {"test"}
    assert not manifest.targets().known.any()
    with pytest.raises(DataError, match="no audio file lies in"):
        BareFolder().read(lay(tmp_path, "none/x.txt") / "none")


def test_a_saved_manifest_keeps_its_word_unless_told_otherwise(tmp_path: Path) -> None:
    root = saved(tmp_path)
    assert SavedManifest().read(root).unlisted == {"unlabelled": "unknown", "noisy": "unknown"}
    changed = SavedManifest.model_validate({"unlisted": {"curated": "unknown"}}).read(root)
    assert changed.unlisted == dict.fromkeys(("curated", "noisy", "unlabelled"), "unknown")


def test_links_between_folders_are_followed_and_circles_are_not(tmp_path: Path) -> None:
    lay(tmp_path, "data/a.wav", "far/b.wav")
    (tmp_path / "data" / "more").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "round").symlink_to(tmp_path / "data")
    assert audio_files(tmp_path / "data") == ["a.wav", "more/b.wav"]


def test_a_name_that_is_no_text_is_said(tmp_path: Path) -> None:
    try:
        (tmp_path / "caf\udce9.wav").touch()
    except OSError:
        pytest.skip("this file system takes names of text only")
    with pytest.raises(DataError, match="is not UTF-8; rename it"):
        BareFolder().read(tmp_path)


def test_the_real_folders_of_audio(shared_data: Path) -> None:
    manifest = BareFolder(part="test").read(shared_data / "fixtures")
    assert len(manifest) == len(list((shared_data / "fixtures").iterdir())) - 1  # all but README.csv
