"""Running lines: what is finished stays, what failed is noted and tried again, and one line is no harm to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.league.line import Line, Scale, families
from bench.league.place import Place, data_folder
from bench.league.record import record_of
from bench.league.running import League, run
from earmark.core.errors import DataError, RunError
from earmark.core.yaml_text import parse
from tests.bench.league.fakes import Workshop, league_of, option

NET = Line("net", "a net", recipe="small")
OTHER = Line("other", "another", recipe="s0")
SYSTEM = Line("three", "three models", system="rftexas", scale=Scale(0.25))


def states(league: League) -> dict[str, str]:
    found = {name: record_of(line, league.place) for name, line in league.lines.items()}
    return {name: record.get("state", "") for name, record in found.items()}


def test_what_is_finished_is_not_run_again_unless_the_line_is_another(place: Place, workshop: Workshop) -> None:
    league = league_of(place, [NET, OTHER], workshop)
    run(league, ["net"], 1)
    assert states(league) == {"net": "finished", "other": ""}
    n_asked = len(workshop.asked)
    run(league, ["net"], 1)
    assert len(workshop.asked) == n_asked
    changed = league_of(place, [NET._replace(changes=("seed=2",))], workshop)
    run(changed, [], 1)
    assert len(workshop.asked) == n_asked + 1, "trained anew; its pace is known"


def test_a_line_that_fails_is_noted_with_its_sentence_and_tried_again(place: Place, workshop: Workshop) -> None:
    told: list[str] = []
    league = league_of(place, [NET, OTHER], workshop, told)
    workshop.instead["net"] = lambda: 3
    run(league, [], 1)
    assert states(league) == {"net": "failed", "other": "finished"}
    sentence = record_of(NET, place)["sentence"]
    assert sentence == "the disk is full: free some space and run the same command again"
    assert f"net: {sentence}" in told
    del workshop.instead["net"]
    run(league, [], 1)
    assert states(league) == {"net": "finished", "other": "finished"}


def test_a_killed_process_and_a_fault_of_our_own_are_no_end_either(place: Place, workshop: Workshop) -> None:
    def fault() -> int:
        raise OSError("nobody thought of that")

    workshop.instead = {"net": lambda: -9, "other": fault}
    league = league_of(place, [NET, OTHER, SYSTEM], workshop)
    run(league, [], 1)
    assert states(league) == {"net": "failed", "other": "failed", "three": "finished"}
    assert "ended by signal 9; run the league again, and it goes on" in record_of(NET, place)["sentence"]
    assert record_of(OTHER, place)["sentence"] == "something unexpected: OSError: nobody thought of that"


def test_files_that_could_not_be_used_are_no_failure(place: Place, workshop: Workshop) -> None:
    league = league_of(place, [NET], lambda command, log: workshop(command, log) or 6)
    run(league, [], 1)
    assert states(league) == {"net": "finished"}


def test_whoever_stops_it_stops_all_of_it_and_nothing_is_noted(place: Place, workshop: Workshop) -> None:
    workshop.instead["net"] = lambda: 130
    league = league_of(place, [NET, OTHER], workshop)
    run(league, [], 1)
    assert states(league) == {"net": "", "other": ""}
    assert league.stop.is_set() and len(workshop.asked) == 1


def test_what_has_no_budget_begins_first(place: Place, workshop: Workshop) -> None:
    whole = Line("whole", "as shipped", recipe="small", fold="none", budgeted=False)
    run(league_of(place, [NET, whole], workshop), [], 1)
    assert [option(each, "--fold") for each in workshop.asked] == ["none", "0", "each"]


def test_nothing_begins_after_the_time_is_up(place: Place, workshop: Workshop) -> None:
    run(League(place, {"net": NET}, workshop, lambda line: None, until=0.0), [], 1)
    assert not workshop.asked


def test_what_there_is_not_is_passed_over(place: Place, workshop: Workshop) -> None:
    told: list[str] = []
    absent = Line("absent", "nothing", system="absent", recipe="absent", own=True)
    student = Line("student", "a student", recipe="small", teacher="absent", own=True)
    league = league_of(place, [absent, student], workshop, told)
    run(league, [], 2)
    assert states(league) == {"absent": "", "student": ""} and not workshop.asked
    assert "absent: passed over; earmark has no system 'absent' and no recipe 'absent'" in told
    assert "student: passed over; line 'absent', from whose models it learns, is not finished" in told


def test_a_budget_becomes_epochs_by_a_pace_that_is_measured_once(place: Place, workshop: Workshop) -> None:
    """Budget 20 s, 0.2 s an epoch: a hundred epochs, where the line may train for more than the sixty of its recipe."""
    longer = Line("longer", "longer", recipe="small", longer=True)
    workshop.s_an_epoch = 0.2
    league = league_of(place, [longer], workshop)
    run(league, [], 1)
    trial, real = (parse(Path(command[4]).read_text()) for command in workshop.asked)
    assert (trial["training"]["epochs"], real["training"]["epochs"]) == (3, 100)
    assert [option(command, "--fold") for command in workshop.asked] == ["0", "each"]
    assert not Path(option(workshop.asked[0], "--out")).exists(), "a trial is thrown away"


def test_the_models_of_a_system_each_have_the_budget(place: Place, workshop: Workshop) -> None:
    run(league_of(place, [SYSTEM], workshop), [], 1)
    trial, real = workshop.asked
    pace = place.read("paces/three.json")
    assert pace["n_models"] == 3 and set(pace["epochs"].values()) == {80}
    # Four trainings of 2 s an epoch and eighty epochs, in three times 20 s: seven epochs each.
    assert round(80 * pace["share"]) == 7
    assert option(real, "--budget") == f"epochs={pace['share']},widths=0.25,seconds=1.0"
    assert {f"{name}.training.epochs=3" for name in pace["epochs"]} <= set(trial) and "-s" not in real


def test_a_variant_trains_as_long_as_its_line_and_finds_its_stages(place: Place, workshop: Workshop) -> None:
    again = SYSTEM._replace(name="unpruned", changes=("prune=null",), like="three")
    part = Line("part", "one net", recipe="rftexas", like="three", scale=Scale(0.25))
    league = league_of(place, [SYSTEM, again, part], workshop)
    run(league, ["unpruned", "part"], 1)
    trial, variant, recipe = workshop.asked
    share = place.read("paces/three.json")["share"]
    assert option(variant, "--out") == str(place.out / "three") and f"epochs={share}" in option(variant, "--budget")
    assert "prune=null" in variant and "prune=null" not in trial
    assert parse(Path(recipe[4]).read_text())["training"]["epochs"] == 7
    assert not place.read("paces/part.json"), "its pace is that of its line"


def test_a_student_learns_from_the_models_that_speak(place: Place, workshop: Workshop) -> None:
    student = Line("taught", "taught", recipe="small", teacher="three", own=True)
    league = league_of(place, [SYSTEM, student], workshop)
    run(league, [], 1)
    trial, command = workshop.asked[-2:]
    assert [option(each, "--fold") for each in (trial, command)] == ["0", "each"], "one fold is enough for a pace"
    members = command[4 : command.index("--recipe")]
    there = place.out / "three"
    assert members == [f"{name}={there / name}-0a1b2c3d" for name in ("baseline", "transfer", "pseudo-labels")]
    assert "training.epochs=10" in command


def test_what_needs_another_comes_after_it() -> None:
    lines = (
        Line("b", "", teacher="a", recipe="small"),
        Line("a", "", system="rftexas"),
        Line("c", "", like="b"),
        Line("d", ""),
    )
    assert [[line.name for line in family] for family in families((lines[1], lines[0], *lines[2:]))] == [
        ["a", "b", "c"],
        ["d"],
    ]


def test_a_folder_belongs_to_one_league(place: Place) -> None:
    place.claim()
    place.claim()
    with pytest.raises(RunError, match=r"holds a league with budget_s 20.0, but 40.0 was asked for; name another"):
        place._replace(budget_s=40.0).claim()


def test_without_recordings_it_says_where_it_looked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EARMARK_SHARED", str(tmp_path))
    with pytest.raises(DataError, match=r"fsdmini' is not there; point EARMARK_SHARED .* DATA=demo/sounds"):
        data_folder(None)
    with pytest.raises(DataError, match="there is no data folder"):
        data_folder(tmp_path / "sounds")
    (tmp_path / "fsdmini").mkdir()
    assert data_folder(None) == tmp_path / "fsdmini"
