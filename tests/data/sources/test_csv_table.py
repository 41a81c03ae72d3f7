"""One csv of any make: three ways to say labels, columns by usual or given names, and what can be wrong."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from earmark.core.errors import DataError, SettingsError
from earmark.core.manifest import Manifest
from earmark.core.settings import read
from earmark.data.sources.csv_table import Columns, Csv


def written(root: Path, text: str, *files: str) -> Path:
    (root / "labels.csv").write_text(text)
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def said(manifest: Manifest) -> list[tuple[str, str, str, float | None]]:
    return manifest.labels.select("clip", "label", "state", "confidence").rows()


PRESENT = [("a.wav", "Bark", "present", None), ("a.wav", "Meow", "present", None), ("b.wav", "Rain", "present", None)]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ('fname,labels\na.wav,"Bark,Meow"\nb.wav,Rain\n', {}),
        ("filename,tags\nb.wav,Rain\na.wav,Meow; Bark\n", {"separator": ";"}),
        ("FILE,Label\na.wav,Bark | Meow\nb.wav,Rain |\n", {"separator": "|"}),
        ("path;class\n./a.wav;Bark Meow\nb.wav;Rain\n", {"delimiter": ";", "separator": " "}),
        ("wav,what\na.wav,Bark/Meow\nb.wav,Rain\n", {"separator": "/", "columns": {"file": "wav", "label": "what"}}),
        ("fname,label\na.wav,Bark\nb.wav,Rain\na.wav,Meow\na.wav,Bark\n", {"layout": "rows"}),
        ("fname,Bark,Meow,Rain\na.wav,1,1,0\nb.wav,0,0,1\n", {"layout": "columns"}),
        (
            "fname,Meow,Rain,Bark,remark\na.wav,true,0.0,1.0,x\nb.wav,no,yes,False,\n",
            {"layout": "columns", "vocabulary": ["bark", "Meow", "Rain"]},
        ),
    ],
)
def test_every_way_to_say_the_same(tmp_path: Path, text: str, settings: dict[str, Any]) -> None:
    manifest = read(Csv, settings).read(written(tmp_path, text, "a.wav", "b.wav"))
    assert manifest.ids == ("a.wav", "b.wav") and manifest.root == tmp_path
    assert sorted((clip, label.title(), *more) for clip, label, *more in said(manifest)) == PRESENT
    assert [name.title() for name in manifest.classes] == ["Bark", "Meow", "Rain"]


@pytest.mark.parametrize("layout", ["joined", "rows", "columns"])
def test_row_order_plays_no_part(tmp_path: Path, layout: str) -> None:
    chance = random.Random(1)
    names, classes = [f"{i:03d}.wav" for i in range(40)], ["w", "x", "y", "z"]
    truth = {name: [label for label in classes if chance.random() < 0.4] for name in names}
    rows = {
        "joined": ["file,labels", *(f"{name},{'|'.join(each)}" for name, each in truth.items())],
        "rows": ["file,label", *(f"{name},{label}" for name, each in truth.items() for label in each or [""])],
        "columns": [
            "file,w,x,y,z",
            *(f"{name},{','.join(str(int(c in each)) for c in classes)}" for name, each in truth.items()),
        ],
    }[layout]
    source = read(Csv, {"layout": layout, "separator": "|"})
    one = source.read(written(tmp_path, "\n".join(rows), *names))
    head, *rest = rows
    chance.shuffle(rest)
    other = source.read(written(tmp_path, "\n".join([head, *rest])))
    assert one.clips.equals(other.clips) and one.labels.equals(other.labels) and one.classes == other.classes
    assert {name: one.labels.filter(clip=name)["label"].to_list() for name in names} == truth


def test_spans_make_clips_of_one_file(tmp_path: Path) -> None:
    text = "file,labels,start_s,end_s\na.wav,Bark,0,1.5\na.wav,Rain,1.5,\nb.wav,Rain,,\n"
    manifest = Csv().read(written(tmp_path, text, "a.wav", "b.wav"))
    assert manifest.ids == ("a.wav@0-1.5", "a.wav@1.5-end", "b.wav")
    assert manifest.clips.select("file", "start_s", "end_s").rows() == [
        ("a.wav", 0.0, 1.5),
        ("a.wav", 1.5, None),
        ("b.wav", 0.0, None),
    ]


def test_everything_else_that_a_column_can_say(tmp_path: Path) -> None:
    text = (
        "file,labels,id,origin,part,usage,speaker,fold,seconds\n"
        "a,Bark,one, Noisy ,train,,s1,3,2.5\nb,Rain,two,,TEST,Public,,,\n"
    )
    source = Csv(columns=Columns(group="speaker"), audio_folder="audio/wav", suffix=".wav", origin="curated")
    manifest = source.read(written(tmp_path, text, "audio/wav/a.wav", "audio/wav/b.wav"))
    assert manifest.clips.drop("start_s", "end_s").rows() == [
        ("one", "audio/wav/a.wav", "noisy", "train", None, "s1", 3, 2.5),
        ("two", "audio/wav/b.wav", "curated", "test", "Public", None, None, None),
    ]


def test_confidences_and_states(tmp_path: Path) -> None:
    root = written(tmp_path, "file,Bark,Meow,Rain\na.wav,0.8,0.5,0\nb.wav,0.2,,1\n", "a.wav", "b.wav")
    manifest = Csv(layout="columns").read(root)
    assert said(manifest) == [
        ("a.wav", "Bark", "present", 0.8),
        ("a.wav", "Meow", "present", 0.5),
        ("b.wav", "Bark", "absent", 0.8),
        ("b.wav", "Meow", "unknown", None),
        ("b.wav", "Rain", "present", None),
    ]
    root = written(tmp_path, "file,label,state,confidence\na.wav,Bark,Absent,0.25\na.wav,Rain,,\nb.wav,,,\n")
    manifest = Csv(layout="rows").read(root)
    assert said(manifest) == [("a.wav", "Bark", "absent", 0.25), ("a.wav", "Rain", "present", None)]
    assert manifest.ids == ("a.wav", "b.wav")


def test_a_plain_zero_is_written_down_where_unlisted_means_unknown(tmp_path: Path) -> None:
    root = written(tmp_path, "file,Bark,Meow\na.wav,0,\n", "a.wav")
    plain = Csv(layout="columns").read(root)
    assert said(plain) == [("a.wav", "Meow", "unknown", None)]
    careful = read(Csv, {"layout": "columns", "unlisted": {"curated": "unknown"}}).read(root)
    assert said(careful) == [("a.wav", "Bark", "absent", None)]
    for manifest in (plain, careful):
        assert manifest.targets().known.tolist() == [[True, False]]


def test_a_list_of_files_without_labels(tmp_path: Path) -> None:
    manifest = Csv(origin="unlabelled", vocabulary=("x",)).read(
        written(tmp_path, "file\na.wav\nb.wav\n", "a.wav", "b.wav")
    )
    assert len(manifest) == 2 and not manifest.targets().known.any() and manifest.classes == ("x",)


def test_spellings_meet_in_the_vocabulary_or_in_the_most_frequent_one(tmp_path: Path) -> None:
    text = 'file,labels\na.wav,"bark, Rain "\nb.wav,"Bark, rain"\nc.wav,Bark\n'
    root = written(tmp_path, text, "a.wav", "b.wav", "c.wav")
    assert Csv().read(root).classes == ("Bark", "Rain")
    (tmp_path / "classes.txt").write_text("RAIN\nBark\n")
    manifest = Csv(vocabulary="classes.txt").read(root)
    assert manifest.classes == ("RAIN", "Bark") and set(manifest.labels["label"]) == {"RAIN", "Bark"}


@pytest.mark.parametrize(
    ("text", "settings", "fault"),
    [
        (
            'fname,labels\na.wav,"Brak,x"\nb.wav,Rain\n',
            {"vocabulary": ["Bark", "Rain"]},
            r"uses 2 labels outside the vocabulary of 2 classes: 'Brak' \(did you mean 'Bark'",
        ),
        (
            "fname,labels\na.wav,Bark\na.wav,Rain\n",
            {},
            r"lists 1 clips more than once, first 'a.*-s source\.layout=rows",
        ),
        (
            "fname,label,fold\na.wav,Bark,1\na.wav,Rain,2\n",
            {"layout": "rows"},
            r"rows of clip 'a\.wav' .* disagree about its fold",
        ),
        ("fname,label,state\na.wav,Bark,present\na.wav,Bark,absent\n", {"layout": "rows"}, "does so twice"),
        (
            "fname,labels\na.wav,Bark\nz.wav,Rain\n",
            {},
            r"1 of the 2 files that labels\.csv lists are not in '.*': 'z\.wav'",
        ),
        (
            "fname,what\na.wav,Bark\n",
            {"table": "labels.csv"},
            r"needs a column of labels, got fname, what; .*-s source\.columns\.label=.*-s source\.layout=columns",
        ),
        ("what,labels\na.wav,Bark\n", {"table": "labels.csv"}, "needs a column of files"),
        ("fname;labels\na.wav;Bark\n", {"table": "labels.csv"}, "what stands between two cells"),
        ("fname,labels\na.wav,dog;cat\nb.wav,dog\n", {}, r"'dog;cat' .* several, .*source\.separator=';'"),
        ("fname,labels\na.wav,dog | Cat\nb.wav,cat\n", {}, r"'dog \| Cat' .* several, .*source\.separator='\|'"),
        ("fname,labels\na.wav,Bark\n", {"columns": {"fold": "bucket"}}, r"was to have a column 'bucket' \(fold\)"),
        (
            "fname,labels,start_s\na.wav,Bark,soon\n",
            {},
            "column 'start_s' of .* must hold numbers, but row 1 holds 'soon'",
        ),
        ("fname,labels,start_s,end_s\na.wav,Bark,2,1\n", {}, "must end after it starts"),
        ("fname,labels,origin\na.wav,Bark,noise\n", {}, "no origin 'noise'; did you mean 'noisy'"),
        ("fname,labels\n,Bark\n", {}, "row 1 of .* names no file"),
        (
            "fname,Bark,note\na.wav,1,loud\n",
            {"layout": "columns"},
            r"column 'note' .* row 1 holds 'loud'; if it is no class, name those that are with -s source\.kind=csv",
        ),
        ("fname,Bark\na.wav,3\n", {"layout": "columns"}, "must hold 0, 1 or what lies between, but row 1 holds 3"),
        ("fname,Bark\na.wav,nan\n", {"layout": "columns"}, "row 1 holds nan"),
        (
            "fname,Bark\na.wav,1\n",
            {"layout": "columns", "vocabulary": ["Bark", "Meow"]},
            "no column for the class 'Meow'",
        ),
        ("fname,labels\n", {}, "has no rows"),
        ("", {"table": "labels.csv"}, "is empty"),
        (
            "fname,labels\na.wav,Bark\n",
            {"table": "lables.csv"},
            r"no table '.*lables\.csv'; did you mean '.*labels\.csv'",
        ),
        ("fname,labels\na.wav,Bark\n", {"vocabulary": "classes.csv"}, r"no table '.*classes\.csv'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        read(Csv, settings).read(written(tmp_path, text, "a.wav", "b.wav"))


def test_a_wrong_encoding_is_said(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("fname,labels\na.wav,Vögel\n".encode("cp1252"))
    with pytest.raises(DataError, match="must be UTF-8, but line 2 holds the byte 0xF6"):
        Csv().read(tmp_path)


def test_several_tables_or_none_ask_for_a_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one csv was wanted in '.*', got none"):
        Csv().read(tmp_path)
    root = written(tmp_path, "fname,labels\na.wav,Bark\n", "a.wav")
    (root / "notes.csv").write_text("when,what\n1,x\n")
    assert len(Csv().read(root)) == 1  # only one of the two lists clips
    (root / "more.csv").write_text("fname,labels\na.wav,Rain\n")
    with pytest.raises(DataError, match=r"got labels\.csv, more\.csv; name it with .* -s source\.table="):
        Csv().read(root)
    assert Csv(table="more.csv").read(root).classes == ("Rain",)


def test_misspelt_settings_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingsError) as caught:
        read(Csv, {"seperator": ";", "columns": {"fiel": "x"}, "layout": "column"})
    assert len(caught.value.faults) == 3
