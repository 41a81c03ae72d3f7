"""Names of tables: what is written can be read again, and finds its way into the right list."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.runs.folder import RunFolder
from earmark.runs.table_names import TableName, is_way

NAMES = [
    TableName(part, way, epoch)
    for part in ("held_out", "test", "noisy")
    for way in ("", "padded", "v1.5_long", "chosen")
    for epoch in (None, 0, 7, 640, 12345)
]


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_what_is_written_can_be_read_again(name: TableName) -> None:
    assert TableName.read(str(name)) == name
    assert is_way(name.way)


def test_names_are_what_runs_have_always_had() -> None:
    assert [str(TableName("held_out", *rest)) for rest in ((), ("padded",), ("", 10), ("padded", 10))] == [
        "held_out",
        "held_out-padded",
        "held_out-epoch-0010",
        "held_out-padded-epoch-0010",
    ]
    assert len({str(name) for name in NAMES}) == len(NAMES), "no two tables share a name"


@pytest.mark.parametrize("stem", ["", "held_out-", "held_out-two-words", "held_out-epoch-", "held_out-epoch-x", "a b"])
def test_other_files_bear_no_such_name(stem: str) -> None:
    assert TableName.read(stem) is None


def test_a_run_lists_its_tables_by_way_and_epoch(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    (tmp_path / "predictions").mkdir()
    for name in [*NAMES, "held_out-two-words", "held_outer"]:
        run.predictions(name).touch()
    found = run.tables("held_out")
    ways = ("", "chosen", "padded", "v1.5_long")
    assert list(found) == [TableName("held_out", way, epoch) for way in ways for epoch in (None, 0, 7, 640, 12345)]
    assert all(place == run.predictions(name) for name, place in found.items())
    assert RunFolder(tmp_path / "nowhere").tables("test") == {}
