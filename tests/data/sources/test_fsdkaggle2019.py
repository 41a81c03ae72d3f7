"""The real tables of FSDKaggle2019 in both forms, the miniature, and small sets with one thing wrong with each."""

from __future__ import annotations

import logging
import random
import shutil
from pathlib import Path

import polars as pl
import pytest

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.sources.detection import detect
from earmark.data.sources.fsdkaggle2019 import KNOWN_BAD, Form, FSDKaggle2019

TABLES = ("train_curated", "train_noisy", "test")


def same(one: Manifest, other: Manifest) -> bool:
    return one.clips.equals(other.clips) and one.labels.equals(other.labels) and one.classes == other.classes


def label_counts(manifest: Manifest) -> dict[int, int]:
    """How many clips have one label, two, ..."""
    each = manifest.labels.group_by("clip").len()["len"].value_counts().sort("len")
    return dict(each.iter_rows())


@pytest.mark.parametrize("form", ["kaggle", "zenodo"])
def test_the_real_set_has_the_published_sizes(shared_data: Path, form: Form, caplog: pytest.LogCaptureFixture) -> None:
    root = shared_data / "fsdkaggle2019_meta"
    with caplog.at_level(logging.INFO):
        manifest = FSDKaggle2019(form=form, check_files=False).read(root)
    assert "6 curated clips are left out" in caplog.text and "1d44b0bd.wav" in caplog.text
    assert len(manifest.classes) == 80 and list(manifest.classes) == sorted(manifest.classes) and manifest.root == root
    curated, noisy = (manifest.where(part="train", origin=origin) for origin in ("curated", "noisy"))
    test = manifest.where(part="test")
    assert (len(curated), len(noisy), len(test)) == (4970 - 6, 19815, 4481)
    assert set(test.clips["origin"]) == {"curated"}
    assert label_counts(noisy) == {1: 16566, 2: 2558, 3: 504, 4: 141, 5: 38, 6: 4, 7: 4}
    assert label_counts(test) == {1: 3195, 2: 909, 3: 292, 4: 66, 5: 17, 6: 2}
    assert (noisy.labels["label"].value_counts()["count"] == 300).all()
    assert dict(test.clips["usage"].value_counts().iter_rows()) == {"Public": 1120, "Private": 3361}
    assert test.where(usage="Public").labels.height == 1571
    assert noisy.clips["group"].n_unique() == (5387 if form == "zenodo" else 1)

    whole = FSDKaggle2019(form=form, check_files=False, exclude_known_bad=False).read(root)
    curated = whole.where(part="train", origin="curated")
    assert (len(curated), curated.labels.height) == (4970, 5752)
    assert label_counts(curated) == {1: 4269, 2: 627, 3: 69, 4: 4, 6: 1}
    per_class = dict(curated.labels["label"].value_counts().iter_rows())
    assert (per_class["Accordion"], per_class["Sigh"], per_class["Zipper_(clothing)"]) == (47, 57, 75)
    left_out = set(whole.ids) - set(manifest.ids)
    assert left_out == {f"{stem}.wav" for stem in KNOWN_BAD}


def test_the_two_forms_say_the_same_labels(shared_data: Path) -> None:
    kaggle, zenodo = (
        FSDKaggle2019(form=form, check_files=False).read(shared_data / "fsdkaggle2019_meta")
        for form in ("kaggle", "zenodo")
    )
    assert kaggle.labels.equals(zenodo.labels) and kaggle.ids == zenodo.ids
    assert kaggle.where(part="test").clips["file"][0] == "test/000ccb97.wav"
    assert zenodo.where(part="test").clips["file"][0] == "FSDKaggle2019.audio_test/000ccb97.wav"


def shuffle(path: Path, seed: int) -> None:
    head, *rows = path.read_text().splitlines()
    random.Random(seed).shuffle(rows)
    path.write_text("\n".join([head, *rows]) + "\n")


def test_the_real_zenodo_folder_in_any_order_gives_the_same(shared_data: Path, tmp_path: Path) -> None:
    meta = tmp_path / "FSDKaggle2019.meta"
    meta.mkdir()
    real = shared_data / "fsdkaggle2019_meta"
    for name in (*(f"{table}_post_competition.csv" for table in TABLES), "vocabulary.csv"):
        shutil.copy(real / name, meta / name)
    source = detect(tmp_path)
    assert source == FSDKaggle2019()
    source = FSDKaggle2019(check_files=False)
    one = source.read(tmp_path)
    assert same(one, FSDKaggle2019(form="zenodo", check_files=False).read(real))
    for table in TABLES:
        shuffle(meta / f"{table}_post_competition.csv", seed=3)
    assert same(source.read(tmp_path), one)


def test_kaggle_without_answers_leaves_the_test_clips_unlabelled(shared_data: Path, tmp_path: Path) -> None:
    for name in ("train_curated.csv", "train_noisy.csv", "sample_submission.csv"):
        shutil.copy(shared_data / "fsdkaggle2019_meta" / name, tmp_path / name)
    manifest = FSDKaggle2019(check_files=False).read(tmp_path)
    test = manifest.where(part="test")
    assert len(test) == 1120 and set(test.clips["origin"]) == {"unlabelled"} and not test.labels.height
    assert not test.targets().known.any()  # nothing is known of them, least of all that every label is absent
    assert len(manifest.classes) == 80 and len(manifest) == 4964 + 19815 + 1120


def test_the_miniature(shared_data: Path) -> None:
    root = shared_data / "fsdmini"
    manifest = detect(root).read(root)
    curated, noisy = (manifest.where(part="train", origin=origin) for origin in ("curated", "noisy"))
    test = manifest.where(part="test")
    assert (len(curated), len(noisy), len(test), len(manifest.classes)) == (628, 1685, 699, 37)
    assert (curated.labels.height, noisy.labels.height, test.labels.height) == (728, 1810, 967)
    assert dict(curated.clips["fold"].value_counts().sort("fold").iter_rows()) == {
        0: 127,
        1: 126,
        2: 125,
        3: 125,
        4: 125,
    }
    assert noisy.clips["fold"].null_count() == 0 and test.clips["fold"].null_count() == 699
    assert manifest.clips["seconds"].null_count() == 0 and set(test.clips["usage"]) == {"Public", "Private"}
    assert all((root / file).is_file() for file in manifest.clips["file"])


def small(root: Path, **texts: str) -> Path:
    """A set of six clips in the Kaggle layout; a table is replaced by the text given, or dropped if that is empty."""
    tables = {
        "train_curated": 'fname,labels\na1.wav,Bark\na2.wav,"Bark,Meow"\n',
        "train_noisy": "fname,labels\nb1.wav,Meow\nb2.wav,Rain\n",
        "test": 'fname,labels,usage\nc1.wav,"Rain,Meow",Public\nc2.wav,Bark,Private\n',
        "vocabulary": "index,name\n0,Bark\n1,Meow\n2,Rain\n",
        **texts,
    }
    root.mkdir(exist_ok=True)
    for name, text in tables.items():
        if text:
            (root / f"{name}.csv").write_text(text)
    for name, letter in zip(TABLES, "abc", strict=True):
        (root / name).mkdir()
        for i in (1, 2):
            (root / name / f"{letter}{i}.wav").touch()
    return root


def test_a_small_set(tmp_path: Path) -> None:
    manifest = FSDKaggle2019().read(small(tmp_path))
    assert manifest.ids == ("a1.wav", "a2.wav", "b1.wav", "b2.wav", "c1.wav", "c2.wav")
    assert manifest.classes == ("Bark", "Meow", "Rain")
    assert manifest.clips["file"][4] == "test/c1.wav" and manifest.clips["usage"][4] == "Public"
    assert manifest.targets().values.tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 0]]


def test_files_that_were_converted_are_found_by_their_stem(tmp_path: Path) -> None:
    root = small(tmp_path)
    (root / "train_noisy" / "b1.wav").rename(root / "train_noisy" / "b1.flac")
    manifest = FSDKaggle2019().read(root)
    assert manifest.clips.filter(id="b1.wav")["file"].item() == "train_noisy/b1.flac"


def test_meta_brings_folds_groups_and_lengths(tmp_path: Path) -> None:
    root = small(tmp_path, meta="fname,fold,group,seconds\na1.wav,1,g,2.5\nb1.wav,,,1\nc1.wav,4,h,3\nzz.wav,0,,\n")
    clips = {row["id"]: row for row in FSDKaggle2019().read(root).clips.iter_rows(named=True)}
    assert [clips["a1.wav"][name] for name in ("fold", "group", "seconds")] == [1, "g", 2.5]
    assert [clips["b1.wav"][name] for name in ("fold", "group", "seconds")] == [None, None, 1]
    assert clips["c1.wav"]["fold"] is None  # the test part has no folds
    assert clips["a2.wav"]["fold"] is None


def test_uploaders_are_groups_unless_meta_says_otherwise(tmp_path: Path) -> None:
    url = "http://www.flickr.com/videos/{}/123/"
    noisy = f"fname,labels,flickr_video_URL\nb1.wav,Meow,{url.format('8@N07')}\nb2.wav,Rain,nowhere\n"
    root = small(tmp_path, train_noisy="", train_noisy_post_competition=noisy)
    assert FSDKaggle2019().read(root).clips.filter(origin="noisy")["group"].to_list() == ["8@N07", None]
    (root / "meta.csv").write_text("fname,group\nb1.wav,g\n")
    assert FSDKaggle2019().read(root).clips.filter(origin="noisy")["group"].to_list() == ["g", None]


def test_a_set_without_a_noisy_part_or_a_test_part(tmp_path: Path) -> None:
    root = small(tmp_path, train_noisy="", test="")
    for name in ("train_noisy", "test"):
        with pytest.raises(DataError, match=f"the clips of {name} must be listed in"):
            FSDKaggle2019().read(root)  # audio without a word about it is not passed over in silence
        shutil.rmtree(root / name)
    assert FSDKaggle2019().read(root).ids == ("a1.wav", "a2.wav")


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (
            {"train_curated": 'fname,labels\na1.wav,Brak\na2.wav,"x y,Meow"\n'},
            r"uses 2 labels outside the vocabulary of 3 classes: 'Brak' \(did you mean 'Bark'\?\), 'x y'",
        ),
        (
            {"train_curated": 'fname,labels\na1.wav,"p,q"\na2.wav,"r,s,p"\n'},
            r"uses 4 labels .*: 'p'.*, 'q'.*, 'r'.* and 1 more",
        ),
        (
            {"train_noisy": "fname,labels\nb1.wav,Meow\nb1.wav,Rain\n"},
            r"'b1\.wav' is listed more than once in train_noisy\.csv \(1 such",
        ),
        (
            {"train_noisy": "fname,labels\nb1.wav,Meow\nb3.wav,Rain\nb4.wav,Rain\n"},
            r"2 of the 3 files that train_noisy\.csv lists are not in .*: 'train_noisy/b3\.wav', 'train_noisy/b4\.",
        ),
        (
            {"train_noisy": ""},
            r"the clips of train_noisy must be listed in .*train_noisy_post_competition\.csv or .*train_noisy\.csv",
        ),
        (
            {"train_curated": ""},
            r"the clips of train_curated must be listed in",
        ),
        ({"train_curated": "fname,labels\n"}, "has no rows"),
        ({"train_curated": "fname,label\na1.wav,Bark\n"}, "needs a column 'labels'"),
        ({"vocabulary": ""}, r"classes must be named in vocabulary\.csv or sample_submission\.csv"),
        ({"vocabulary": "0,Bark\n1,Bark\n"}, "names 'Bark' 2 times"),
        (
            {"meta": "fname,fold\na1.wav,0\na1.wav,1\n"},
            r"must speak once of a clip, but speaks more often of 'a1\.wav'",
        ),
        ({"meta": "fname,fold\na1.wav,zero\n"}, "must hold whole numbers, but row 1 holds 'zero'"),
        ({"meta": "name,fold\na1.wav,0\n"}, "needs a column 'fname'"),
    ],
)
def test_one_thing_wrong_is_said(tmp_path: Path, texts: dict[str, str], fault: str) -> None:
    with pytest.raises(DataError, match=fault) as caught:
        FSDKaggle2019().read(small(tmp_path, **texts))
    assert caught.value.path is not None


def test_a_name_in_two_parts_is_said(tmp_path: Path) -> None:
    root = small(tmp_path, test="fname,labels\na1.wav,Meow\nc1.wav,Rain\n")
    (root / "test" / "a1.wav").touch()
    with pytest.raises(DataError, match=r"'a1\.wav' is listed in test\.csv and in train_curated\.csv"):
        FSDKaggle2019().read(root)


def test_a_missing_folder_of_audio_is_said_and_may_be_meant(tmp_path: Path) -> None:
    root = small(tmp_path)
    shutil.rmtree(root / "train_noisy")
    with pytest.raises(
        DataError, match=r"train_noisy\.csv lists must lie in 'train_noisy' or 'FSDKaggle2019\.audio_train_noisy'"
    ):
        FSDKaggle2019().read(root)
    assert len(FSDKaggle2019(check_files=False).read(root)) == 6


def test_bad_clips_of_that_name_go_from_the_curated_part_only(tmp_path: Path) -> None:
    root = small(
        tmp_path,
        train_curated="fname,labels\na1.wav,Bark\n1d44b0bd.ogg,Bark\n",
        train_noisy="fname,labels\nb1.wav,Bark\nf76181c4.wav,Bark\n",
    )
    manifest = FSDKaggle2019(check_files=False).read(root)
    assert {"1d44b0bd.ogg", "f76181c4.wav"} & set(manifest.ids) == {"f76181c4.wav"}
    assert set(manifest.labels["clip"]) <= set(manifest.ids)


def test_labels_may_have_spaces_and_come_twice(tmp_path: Path) -> None:
    root = small(tmp_path, train_curated='fname,labels\na1.wav," bark , Meow,Bark,"\na2.wav,\n')
    labels = FSDKaggle2019().read(root).labels.filter(pl.col("clip").str.starts_with("a"))
    assert labels.select("clip", "label").rows() == [("a1.wav", "Bark"), ("a1.wav", "Meow")]
