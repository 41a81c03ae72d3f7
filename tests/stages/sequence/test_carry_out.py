"""Sequences: what is skipped, what goes on, what is redone after a change, and that nothing computed is lost."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from earmark.cleaning.rules.random_best50 import RandomBest50
from earmark.cleaning.rules.top_intersection import TopIntersection
from earmark.core.errors import DataError, RunError, SettingsError
from earmark.data.tables import read_manifest, read_predictions
from earmark.stages.prepare import read_manifest as read_data
from earmark.stages.recipe import Recipe
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.plan import Plan
from tests.stages.sequence.conftest import GroundOf, Told

NAMES = ["draw", "warm-up", "fine-tune", "guess", "filter", "again"]


def plan_of(ground_of: GroundOf, tiny: Recipe, *changes: str, show: Told | None = None, fold: str = "0") -> Plan:
    """Every kind of stage, each reading from the one before; fold 0 held out."""
    plan = Plan(ground_of(show=show or Told()), fold=fold, changes=changes)
    drawn = plan.clean("draw", RandomBest50(per_class=1))
    warm = plan.train("warm-up", tiny, labels=drawn, changes=["streams.curated.origins={noisy: 1}"])
    tuned = plan.train("fine-tune", tiny, start=warm)
    guesses = plan.guess("guess", by=tuned)
    filtered = plan.clean("filter", TopIntersection(n=17), guesses, unguessed="unlabelled")
    both = "streams.curated.origins={curated: 1, noisy: 1}"
    plan.train("again", tiny, start=tuned, labels=filtered, changes=[both])
    return plan


def stamps(out: Path) -> dict[str, int]:
    """When each file of the stages was last written."""
    found = (place for place in out.rglob("*") if place.is_file() and place.parent != out)
    return {str(place.relative_to(out)): place.stat().st_mtime_ns for place in found if place.name != "run.lock"}


def results(out: Path) -> dict[str, str]:
    """What came of it, by its bytes: weights, guesses, verdicts, tables, and what stands in sequence.json.

    Not the checkpoints to go on from, in whose history a clock has its say.
    """
    kept = (".safetensors", ".parquet", ".csv")
    files = [place for place in sorted(out.rglob("*")) if place.suffix in kept and place.parent.name != "checkpoints"]
    found = {str(place.relative_to(out)): hashlib.sha256(place.read_bytes()).hexdigest() for place in files}
    return found | {row["stage"]: row["result"] for row in standing(out)["stages"]}


def standing(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "sequence.json").read_text())
    return found


def folders(out: Path) -> dict[str, str]:
    return {row["stage"]: row["folder"] for row in standing(out)["stages"]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Filled by the first test that carries the sequence out."""
    return {"out": tmp_path_factory.mktemp("whole") / "out"}


@pytest.fixture
def done(whole: dict[str, Any], ground_of: GroundOf, tiny: Recipe) -> Path:
    """The sequence carried out without an interruption."""
    out: Path = whole["out"]
    if "told" not in whole:
        whole["told"] = Told()
        whole["rows"] = carry_out(plan_of(ground_of, tiny, show=whole["told"]), out)
    return out


def test_every_stage_leaves_what_it_is_for(done: Path, whole: dict[str, Any], sounds: Path) -> None:
    rows = whole["rows"]
    assert [row["stage"] for row in rows] == NAMES and {row["state"] for row in rows} == {"finished"}
    assert standing(done)["stages"] == rows and standing(done)["former"] == []
    assert "stage 3 of 6, fine-tune: train (begins with warm-up), in 'fine-tune-" in "\n".join(whole["told"].lines)
    places = folders(done)
    for name in ("warm-up", "fine-tune", "again"):
        assert (done / places[name] / "tagger.safetensors").is_file()
        assert rows[NAMES.index(name)]["scores"][0]["part"] == "held out, fold 0"
    guessed = read_predictions(done / places["guess"] / "predictions" / "noisy.parquet")
    assert guessed.provenance["out_of_fold"] is True
    learnt = json.loads((done / places["fine-tune"] / "learnt.json").read_text())["clips"]
    assert set(guessed.ids).isdisjoint(learnt), "what the warm-up has learnt from is not judged by it"
    filtered = read_manifest(done / places["filter"])
    noisy = read_data(sounds, None).where(part="train", origin="noisy")
    lost = filtered.where(part="train", origin="unlabelled")
    assert set(noisy.ids) - set(guessed.ids) <= set(lost.ids)
    assert not (lost.targets().values * lost.targets().known).any(), "of unlabelled clips no label is known"


def test_the_same_command_twice_does_nothing(done: Path, ground_of: GroundOf, tiny: Recipe) -> None:
    before, told = stamps(done), Told()
    rows = carry_out(plan_of(ground_of, tiny, show=told), done)
    assert stamps(done) == before
    skipped = [line for line in told.lines if line.endswith("')") and "finished before, skipped" in line]
    assert len(skipped) == 6 and skipped[1].startswith("stage 2 of 6, warm-up: finished before, skipped ('warm-up-")
    assert rows == standing(done)["stages"]


def test_interrupted_anywhere_it_ends_the_same_bit_for_bit(
    done: Path, whole: dict[str, Any], ground_of: GroundOf, tiny: Recipe, tmp_path: Path
) -> None:
    """Stopped after a few things have happened, again and again: between stages and in the middle of each kind."""
    out, stopped = tmp_path / "out", []
    for go in range(60):
        show = Told(stop_at=(4, 9, 6, 20)[go % 4])
        try:
            carry_out(plan_of(ground_of, tiny, show=show), out)
            break
        except KeyboardInterrupt:
            stopped.append(show.lines[-1])
            assert any(row["state"] != "finished" for row in standing(out)["stages"])
    else:
        pytest.fail(f"it does not get on: {stopped[-3:]}")
    assert len({line.split()[0] for line in stopped}) >= 3, f"hardly interrupted, so hardly tested: {stopped}"
    assert results(out) == results(done)


def test_a_disk_that_fills_again_and_again_costs_nothing(
    done: Path, ground_of: GroundOf, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many files there is no room; each time that is one sentence, and what was finished stays."""
    room, sync, n_full = 0, os.fsync, 0

    def with_room(handle: int) -> None:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room -= 1
        sync(handle)

    monkeypatch.setattr(os, "fsync", with_room)
    for go in range(30):
        room = (30, 55, 80, 110)[go % 4]
        try:
            rows = carry_out(plan_of(ground_of, tiny), tmp_path / "out")
            break
        except DataError as error:
            assert str(error).startswith("the disk is full: writing ") and str(error).count("\n") == 0
            n_full += 1
    else:
        pytest.fail("it does not get on")
    assert n_full > 2 and [row["stage"] for row in rows] == NAMES
    assert results(tmp_path / "out") == results(done)
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_a_late_change_leaves_early_stages_alone_and_the_way_back_is_free(
    done: Path, ground_of: GroundOf, tiny: Recipe
) -> None:
    before, places, told = stamps(done), folders(done), Told()
    carry_out(plan_of(ground_of, tiny, "again.training.optimizer.lr=0.001", show=told), done)
    after = stamps(done)
    assert {name: after[name] for name in before} == before, "nothing that was computed is touched"
    now = folders(done)
    assert {name: now[name] for name in NAMES[:5]} == {name: places[name] for name in NAMES[:5]}
    assert now["again"] != places["again"]
    assert [row["folder"] for row in standing(done)["former"]] == [places["again"]]
    assert any(f"what came of the former stays in '{places['again']}'" in line for line in told.lines)
    carry_out(plan_of(ground_of, tiny), done)
    assert folders(done) == places and stamps(done) == after
    assert [row["folder"] for row in standing(done)["former"]] == [now["again"]]


def test_an_early_change_redoes_whatever_depends_on_it(done: Path, ground_of: GroundOf, tiny: Recipe) -> None:
    before, places = stamps(done), folders(done)
    carry_out(plan_of(ground_of, tiny, "warm-up.training.epochs=1"), done)
    now = folders(done)
    assert now["draw"] == places["draw"], "it does not depend on the warm-up"
    assert all(now[name] != places[name] for name in NAMES[1:])
    assert stamps(done).items() >= before.items()
    carry_out(plan_of(ground_of, tiny), done)
    assert folders(done) == places


def test_what_is_incidental_changes_nothing(done: Path, ground_of: GroundOf, tiny: Recipe) -> None:
    before = stamps(done)
    carry_out(plan_of(ground_of, tiny, "again.training.workers=2", "filter.n_doubtful=3"), done)
    assert stamps(done) == before


def test_a_lost_account_costs_no_training(done: Path, ground_of: GroundOf, tiny: Recipe) -> None:
    weights = {name: stamp for name, stamp in stamps(done).items() if name.endswith(".safetensors")}
    places = folders(done)
    (done / "sequence.json").write_text("{}")
    carry_out(plan_of(ground_of, tiny), done)
    assert folders(done) == places
    assert {name: stamp for name, stamp in stamps(done).items() if name.endswith(".safetensors")} == weights


def test_folders_of_others_are_refused(done: Path, ground_of: GroundOf, tiny: Recipe, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds the stages of sequence 'sequence', not of 'other'"):
        carry_out(plan_of(ground_of, tiny), done, name="other")
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(RunError, match="holds files but no sequence; name an empty or a new folder"):
        carry_out(plan_of(ground_of, tiny), tmp_path)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "sequence.json").write_text("{half")
    with pytest.raises(RunError, match="is damaged"):
        carry_out(plan_of(ground_of, tiny), tmp_path / "new")


def test_a_fold_that_there_is_not_keeps_its_sentence(ground_of: GroundOf, tiny: Recipe, tmp_path: Path) -> None:
    plan = Plan(ground_of(), fold="7")
    plan.train("only", tiny)
    with pytest.raises(DataError, match=r"there is no fold 7; the curated clips have folds 0, 1, 2, 3, 4"):
        carry_out(plan, tmp_path / "out")
    with pytest.raises(
        SettingsError, match="--fold must be a number, some numbers such as 0,2, 'each' or 'none', got 'seven'"
    ):
        Plan(ground_of(), fold="seven")


def test_one_at_a_time(done: Path, ground_of: GroundOf, tiny: Recipe) -> None:
    import filelock

    with filelock.FileLock(done / "sequence.lock"), pytest.raises(RunError, match="another process is at work"):
        carry_out(plan_of(ground_of, tiny), done)
