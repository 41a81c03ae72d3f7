"""Text files as tables: what is a table is read as it is written, what is not is refused with its line."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core.errors import DataError
from earmark.data.cells import missing, numbers, read_csv

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(CELL, CELL), max_size=5))
def test_cells_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("cells") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("one", "two"), *rows])
    table = read_csv(path, may_be_empty=True)
    assert table.columns == ["one", "two"] and table.rows() == rows


@pytest.mark.parametrize(
    "data",
    [
        "fname,labels\na.wav,Bär\n".encode(),
        "\ufefffname,labels\r\na.wav,Bär\r\n".encode(),
        "fname , labels\n\n  \na.wav,Bär\n\n".encode(),
        'fname,"labels"\n"a.wav","Bär"'.encode(),
    ],
    ids=["plain", "mark and Windows line ends", "blank lines", "quoted, without a last line end"],
)
def test_one_table_in_many_hands(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    assert read_csv(path, required=("fname",)).to_dict(as_series=False) == {"fname": ["a.wav"], "labels": ["Bär"]}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "is empty, but a table was wanted"),
        (b" \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"fname,labels\n", "has no rows"),
        ("fname,labels\na,Bär\n".encode("cp1252"), "must be UTF-8, but line 2 holds the byte 0xE4, as Windows-1252"),
        ("fname,labels\na,b\n".encode("utf-16"), "UTF-16 or no text at all"),
        (b"PK\x03\x04\x00\x00", "no text at all"),
        (b"fname,labels\na,b\nc,d,e\n", "line 3 of '.*' has 3 cells where the first has 2"),
        (b"fname,labels\na\n", "line 2 of '.*' has 1 cells where the first has 2"),
        (b'fname,labels\na,"b\n', "stops being csv at line"),
        (b"fname,fname\na,b\n", "names its column 'fname' 2 times"),
        (b"fname;labels\na;b\n", "needs a column 'fname', got fname;labels; is ',' what stands between"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, fault: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match=fault) as caught:
        read_csv(path, required=("fname",))
    assert caught.value.path == path and str(path) in str(caught.value)


def test_a_line_far_down_is_named_and_long_tables_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = ["n,m", *(f"{i},{i}" for i in range(25_000))]
    path.write_text("\n".join(lines))
    assert read_csv(path)["m"].cast(pl.Int64).to_list() == list(range(25_000))
    path.write_text("\n".join([*lines, "1,2,3"]))
    with pytest.raises(DataError, match="line 25002 "):
        read_csv(path)


def test_a_table_without_a_line_of_names_and_with_other_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("0;Bark\n1;Meow\n")
    assert read_csv(path, columns=("index", "name"), delimiter=";")["name"].to_list() == ["Bark", "Meow"]


def test_what_is_missing_comes_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "fsdmini").mkdir()
    (tmp_path / "fsdmini" / "train_curated.csv").touch()
    with pytest.raises(DataError, match=r"no table '.*train_curatd\.csv'; did you mean '.*train_curated\.csv'"):
        read_csv(tmp_path / "fsdmini" / "train_curatd.csv")
    said = str(missing(tmp_path / "fsdmni" / "test" / "a.wav", "clip"))
    assert f"(nor '{tmp_path / 'fsdmni'}')" in said and f"did you mean '{tmp_path / 'fsdmini'}'?" in said
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_csv(tmp_path / "fsdmini")


def test_numbers_are_numbers_or_null(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": ["1", " 2.5 ", "", "-1e3", "inf"], "n": ["1", "2", "", "3", "4"]})
    assert numbers(table, "x", "t.csv").to_list() == [1.0, 2.5, None, -1000.0, float("inf")]
    assert numbers(table, "n", "t.csv", pl.Int64).to_list() == [1, 2, None, 3, 4]
    with pytest.raises(DataError, match=r"column 'x' of 't\.csv' must hold whole numbers, but row 2 holds '2\.5'"):
        numbers(table, "x", "t.csv", pl.Int64)
