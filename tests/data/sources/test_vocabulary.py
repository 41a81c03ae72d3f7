"""Vocabularies: one list of names in many hands, and labels that mean one of them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from earmark.core.errors import DataError
from earmark.data.sources.vocabulary import inferred, read_vocabulary, spelled


@pytest.mark.parametrize(
    "text",
    [
        "0,Bark\n1,Hi-hat\n2,Zipper_(clothing)\n",
        "index,name\n0,Bark\n1,Hi-hat\n2,Zipper_(clothing)\n",
        "2,Zipper_(clothing)\n0,Bark\n1,Hi-hat\n",
        "Bark\nHi-hat\nZipper_(clothing)\n",
        "name\nBark\n Hi-hat \nZipper_(clothing)\n",
        "0,Bark,/m/1\n1,Hi-hat,/m/2\n2,Zipper_(clothing),/m/3\n",
        "mid,display_name\n/m/1,Bark\n/m/2,Hi-hat\n/m/3,Zipper_(clothing)\n",
    ],
)
def test_one_list_in_many_hands(tmp_path: Path, text: str) -> None:
    (tmp_path / "vocabulary.csv").write_text(text)
    assert read_vocabulary(tmp_path / "vocabulary.csv") == ("Bark", "Hi-hat", "Zipper_(clothing)")


def test_indices_are_numbers_and_not_words(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(12)]
    rows = sorted(f"{i},{name}" for i, name in enumerate(names))  # 0, 1, 10, 11, 2, ...
    (tmp_path / "vocabulary.csv").write_text("\n".join(rows))
    assert read_vocabulary(tmp_path / "vocabulary.csv") == tuple(names)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("0,Bark\n1,Bark\n", "names 'Bark' 2 times"), ("0,Bark\n1,\n", "row 2 does not"), ("", "is empty")],
)
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "vocabulary.csv").write_text(text)
    with pytest.raises(DataError, match=fault):
        read_vocabulary(tmp_path / "vocabulary.csv")


def test_the_real_vocabulary(shared_data: Path) -> None:
    names = read_vocabulary(shared_data / "fsdkaggle2019_meta" / "vocabulary.csv")
    assert len(names) == 80 and names[0] == "Accelerating_and_revving_and_vroom" and names[79] == "Zipper_(clothing)"
    assert len(read_vocabulary(shared_data / "fsdmini" / "vocabulary.csv")) == 37


def test_case_counts_where_names_differ_in_case_alone() -> None:
    labels = pl.Series(["a", "A ", "c"])
    assert spelled(labels, ("A", "a", "C"), "t.csv").to_list() == ["a", "A", "C"]
    with pytest.raises(DataError, match="1 label outside the vocabulary of 2 classes: 'É'"):
        spelled(pl.Series(["É"]), ("A", "a"), "t.csv")


def test_an_inferred_vocabulary_is_in_order_whatever_the_order_of_the_labels() -> None:
    labels = pl.Series(["b", "a", "B", "B", "", "c "])
    assert inferred(labels) == inferred(labels.reverse()) == ("B", "a", "c")
