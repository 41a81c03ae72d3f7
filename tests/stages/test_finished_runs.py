"""The finished runs of a folder: which there are, and which weights speak for them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from earmark.core.errors import DataError, RunError
from earmark.core.manifest import Manifest
from earmark.runs.folder import RunFolder
from earmark.runs.table_names import TableName
from earmark.stages.finished_runs import must_be_its_data, runs_in, speakers


def run_at(path: Path, learnt: list[str] | None, *, finished: bool = True) -> RunFolder:
    run = RunFolder(path)
    run.claim("abc", {}, {"fold": 0})
    run.note({"finished": finished})
    run.write_json("learnt.json", {"classes": ["x", "y"], "clips": learnt})
    return run


def test_a_folder_holds_one_run_or_one_a_fold(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        runs_in(tmp_path)
    for fold in (1, 0):
        run_at(tmp_path / f"fold-{fold}", [])
    assert [run.path.name for run in runs_in(tmp_path)] == ["fold-0", "fold-1"]
    run_at(tmp_path / "fold-2", [], finished=False)
    with pytest.raises(RunError, match=r"fold-2' is not finished"):
        runs_in(tmp_path)
    assert [run.path for run in runs_in(tmp_path / "fold-0")] == [tmp_path / "fold-0"]


def test_data_of_which_a_run_has_learnt_nothing_are_not_its_own(tmp_path: Path) -> None:
    def clips(*names: str) -> Manifest:
        return Manifest.of(pl.DataFrame({"id": names, "file": names}), classes=("x", "y"), root=tmp_path / "other")

    run = run_at(tmp_path / "run", ["a", "b"])
    must_be_its_data(run, clips("b", "c"))
    with pytest.raises(DataError, match=r"learnt from none of the 2 clips in '.*other'; name the data"):
        must_be_its_data(run, clips("c", "d"))
    must_be_its_data(run_at(tmp_path / "unknown", None), clips("c", "d"))


@pytest.mark.parametrize("way", ["", "padded"])
def test_last_weights_speak_or_snapshots_all_or_the_nearest(tmp_path: Path, way: str) -> None:
    run = run_at(tmp_path, [])
    assert speakers(run, "test", way) == {TableName("test", way): run.tagger}
    with pytest.raises(RunError, match="kept no snapshots"):
        speakers(run, "test", way, snapshots=True)
    for epoch in (2, 4, 9):
        run.snapshot(epoch).parent.mkdir(exist_ok=True)
        run.snapshot(epoch).touch()
    every = speakers(run, "test", way, snapshots=True)
    assert every == {TableName("test", way, epoch): run.snapshot(epoch) for epoch in (2, 4, 9)}
    near = speakers(run, "test", way, snapshots=(2.4, 3.2, 100))
    assert [name.epoch for name in near] == [2, 4, 9]
    assert [name.epoch for name in speakers(run, "test", way, snapshots=(3.9, 4.1))] == [4]
