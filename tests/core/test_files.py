"""A file is the old one or the whole new one, and a full disk is a sentence."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from earmark.core.errors import DataError
from earmark.core.files import is_disk_full, write_atomically, write_bytes_atomically, write_text_atomically


def raise_no_space(partial: Path) -> None:
    partial.write_bytes(b"x" * 2_000_000)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_new_content_takes_the_place_of_the_old_and_nothing_else_stays(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "table.txt"
    write_text_atomically(target, "first\n")
    write_text_atomically(target, "zweite Zeile: ä\r\n")
    assert target.read_bytes() == "zweite Zeile: ä\r\n".encode()
    assert [path.name for path in target.parent.iterdir()] == ["table.txt"]


def test_a_new_file_has_the_rights_that_any_new_file_has(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_bytes_atomically(tmp_path / "atomic", b"")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_library_that_writes_for_its_owner_alone_changes_nothing_about_that(tmp_path: Path) -> None:
    def write_privately(partial: Path) -> None:
        private = tmp_path / "private"
        private.touch(mode=0o600)
        private.replace(partial)

    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "weights", write_privately)
    finally:
        os.umask(before)
    assert (tmp_path / "weights").stat().st_mode & 0o777 == 0o640


def test_a_failing_writer_leaves_the_old_file_and_no_trace(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    target.write_text("old")

    def fail(partial: Path) -> None:
        partial.write_text("half")
        raise RuntimeError("of the caller's own")

    with pytest.raises(RuntimeError, match="caller's own"):
        write_atomically(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_ends_in_a_sentence_with_the_old_file_whole(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    target.write_text("old")
    with pytest.raises(DataError, match=r"is full: writing .*kept\.txt takes more than the \d+\.\d .B that are free;"):
        write_atomically(target, raise_no_space)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_words_of_other_libraries_for_a_full_disk_are_understood() -> None:
    assert is_disk_full(RuntimeError("parquet: No space left on device (os error 28)"))
    assert not is_disk_full(RuntimeError("parquet: column 3 is ill"))


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match=r"could not be written .*choose another place") as caught:
        write_text_atomically(tmp_path / "file" / "below.txt", "x")
    assert caught.value.path == tmp_path / "file" / "below.txt"
