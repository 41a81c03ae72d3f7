"""Which tables make a member, what it is called, and how its tables become one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earmark.core.errors import DataError, RunError
from earmark.core.predictions import Predictions
from earmark.data.tables import write_predictions
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.geometric import Geometric
from earmark.runs.folder import RunFolder
from earmark.stages.blend import gather, read_settings
from earmark.stages.blend_members import find, load
from tests.ensemble.choir import choir
from tests.stages.test_blend import ONE, truth_of

TABLE = choir((1.0,)).tables["a"]


def of_fold(*folds: int) -> Predictions:
    assert TABLE.folds is not None
    return TABLE.aligned([clip for clip, fold in zip(TABLE.ids, TABLE.folds, strict=True) if fold in folds])


def written(place: Path, table: Predictions = TABLE) -> str:
    write_predictions(table, place)
    return str(place)


def test_members_are_called_by_what_tells_their_paths_apart(tmp_path: Path) -> None:
    runs = [written(tmp_path / "runs" / name / "predictions" / "held_out.parquet") for name in ("one", "two")]
    assert list(find(runs)) == ["one", "two"]
    plain = [written(tmp_path / f"{name}.parquet") for name in ("x", "y")]
    assert list(find(plain)) == ["x", "y"] and list(find([str(tmp_path / "runs" / "one")])) == ["one"]
    alike = [written(tmp_path / name / "deep" / "scores.parquet") for name in ("p", "q")]
    assert list(find(alike)) == ["p", "q"]
    assert set(find([f"me={plain[0]}", plain[1]])) == {"me", "y"}
    with pytest.raises(DataError, match="is named twice"):
        find([plain[0], plain[0]])


def test_a_name_with_an_equals_sign_may_be_a_file(tmp_path: Path) -> None:
    odd = written(tmp_path / "a=b.parquet")
    assert list(find([odd])) == ["a=b"]


def test_test_tables_go_to_the_members_of_their_names(tmp_path: Path) -> None:
    held = [written(tmp_path / "oof" / f"{name}.parquet") for name in "ab"]
    plain = replace(TABLE, ids=tuple(f"t{clip}" for clip in TABLE.ids), folds=None)
    test = [written(tmp_path / "test" / f"{name}.parquet", plain) for name in "ba"]
    material = gather(read_settings("rank"), find(held, test))
    assert set(material.parts) == {"held_out", "test"} and material.parts["test"].ids[0].startswith("t")
    with pytest.raises(DataError, match=r"member 'b' has held-out scores but no --test ones; .*\(there: a;"):
        find(held, test[1:])
    assert set(find(held[:1], test[:1])) == {"a"}, "one of each belongs together whatever it is called"


def test_folds_are_put_together_and_snapshots_averaged(tmp_path: Path) -> None:
    folds = [Path(written(tmp_path / f"{fold}.parquet", of_fold(fold))) for fold in range(4)]
    whole = load("m", folds, Geometric(), given=None, link=None)
    assert np.array_equal(whole.aligned(TABLE.ids).scores, TABLE.scores)
    assert np.array_equal(whole.aligned(TABLE.ids).folds, TABLE.folds)  # type: ignore[arg-type]
    late = [
        Path(written(tmp_path / f"late{fold}.parquet", replace(of_fold(fold), scores=of_fold(fold).scores + 2)))
        for fold in range(4)
    ]
    both = load("m", folds + late, Geometric(), given=None, link=None)
    np.testing.assert_allclose(both.aligned(TABLE.ids).scores, TABLE.scores + 1)
    assert np.array_equal(both.aligned(TABLE.ids).folds, TABLE.folds)  # type: ignore[arg-type]
    assert both.provenance["files"] == sorted(map(str, folds + late))
    with pytest.raises(DataError, match=r"not equally many tables for each clip: 1 with clip .*, but 2 elsewhere"):
        load("m", folds + late[:3], Geometric(), given=None, link=None)
    with pytest.raises(DataError, match="overlap in part"):
        load(
            "m", [folds[0], Path(written(tmp_path / "two.parquet", of_fold(0, 1)))], Geometric(), given=None, link=None
        )


def test_chances_stay_chances(tmp_path: Path) -> None:
    places = [
        Path(written(tmp_path / f"{i}.parquet", replace(TABLE, scores=TABLE.scores * i).on("probability")))
        for i in (1, 2)
    ]
    made = load("m", places, Arithmetic(), given=None, link=None)
    assert made.link == "probability" and 0 < made.scores.min() < made.scores.max() < 1


def test_scores_that_do_not_say_what_they_are(tmp_path: Path) -> None:
    place = tmp_path / "kaggle.csv"
    pl.DataFrame({"fname": ["x", "y"], "A": [0.1, 0.9], "B": [0.5, 0.2]}).write_csv(place)
    with pytest.raises(DataError, match=r"does not say what its scores are, .* say --given probability"):
        load("m", [place], Geometric(), given=None, link=None)
    assert load("m", [place], Geometric(), given="probability", link=None).link == "probability"
    assert load("m", [place], Geometric(), given="logit", link=None).link == "logit"
    assert load("m", [place], Geometric(), given="probability", link="logit").scores[0, 0] == pytest.approx(
        np.log(1 / 9)
    )


def test_the_snapshots_of_runs(tmp_path: Path) -> None:
    for fold in range(4):
        folder = tmp_path / "run" / f"fold-{fold}" / "predictions"
        write_predictions(of_fold(fold), folder / "held_out.parquet")
        for epoch in (10, 20):
            table = replace(of_fold(fold), scores=of_fold(fold).scores + epoch)
            write_predictions(table, folder / f"held_out-epoch-{epoch:04d}.parquet")
    found = find([str(tmp_path / "run")], snapshots=True)["run"].tables["held_out"]
    assert len(found) == 8
    made = load("run", found, Geometric(), given=None, link=None)
    np.testing.assert_allclose(made.aligned(TABLE.ids).scores, TABLE.scores + 15)
    write_predictions(TABLE, tmp_path / "bare" / "predictions" / "held_out.parquet")
    with pytest.raises(DataError, match="holds no scores of snapshots"):
        find([str(tmp_path / "bare")], snapshots=True)


def test_a_way_of_hearing_speaks_for_last_weights_and_for_snapshots(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    shifts = {"held_out": 0, "held_out-padded": 1, "held_out-padded-epoch-0002": 2, "held_out-padded-epoch-0004": 4}
    for name, shift in shifts.items():
        write_predictions(replace(TABLE, scores=TABLE.scores + shift), run.predictions(name))

    def heard(**how: object) -> list[str]:
        return [place.stem for place in find([str(run.path)], **how)["run"].tables["held_out"]]  # type: ignore[arg-type]

    assert heard() == ["held_out"]
    assert heard(way="padded") == ["held_out-padded"]
    assert heard(way="padded", snapshots=True) == ["held_out-padded-epoch-0002", "held_out-padded-epoch-0004"]
    with pytest.raises(
        DataError, match=r"no scores of snapshots \(.*held_out-epoch-0010.*there are: 'padded' \(--as pad"
    ):
        heard(snapshots=True)
    with pytest.raises(DataError, match=r"heard as 'pad' \(.*held_out-pad\.parquet.*the run's own .*, 'padded'"):
        heard(way="pad")


def test_a_training_of_which_a_fold_is_not_finished_is_refused(tmp_path: Path) -> None:
    for number in (0, 1):
        written(tmp_path / "run" / f"fold-{number}" / "predictions" / "held_out.parquet", of_fold(number))
        RunFolder(tmp_path / "run" / f"fold-{number}").note({"fingerprint": "abc", "finished": True})
    assert set(find([str(tmp_path / "run")])) == {"run"}
    RunFolder(tmp_path / "run" / "fold-2").note({"fingerprint": "abc", "finished": False})
    with pytest.raises(RunError, match=r"fold-2' is not finished, so '.*run' would stand for fewer folds"):
        find([str(tmp_path / "run")])


def test_folds_can_be_vouched_for(tmp_path: Path) -> None:
    places = [written(tmp_path / f"{n}.parquet", replace(ONE.tables[n], folds=None)) for n in "ab"]
    settings = read_settings("greedy")
    assert set(gather(settings, find(places)).parts) == {"test"}
    material = gather(settings, find(places), truth=truth_of(), vouched=True)
    assert np.array_equal(material.parts["held_out"].folds, ONE.members.folds)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="does not say which fold held out clip 'clip0000', and neither does the truth"):
        gather(settings, find(places), vouched=True)


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no predictions for member 'empty'"):
        find([str(tmp_path / "empty")])
    with pytest.raises(DataError, match="there is no table"):
        gather(read_settings("rank"), find([str(tmp_path / "no.parquet")]))
