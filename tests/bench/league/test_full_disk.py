"""A disk that fills up while the league runs: a sentence, nothing finished is lost, and the same command goes on."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.league import __main__ as command_line
from bench.league import measure
from bench.league.__main__ import main
from bench.league.line import Line
from bench.league.page import page
from bench.league.place import Place
from bench.league.processes import Processes
from bench.league.record import record_of
from bench.league.running import League, run
from bench.league.standing import Standing
from earmark.runs.folder import RunFolder
from tests.bench.league.fakes import Workshop, league_of, option

NET = Line("net", "a net", recipe="small")
OTHER = Line("other", "another", recipe="s0")
LINES = (OTHER, NET)
MEASURED = {"parameters": 1234, "s_a_clip": 0.05}


class Disk:
    """Refuses to write files whose path contains ``full``, as the system does where no room is left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full: str | None = None
        write = Path.write_bytes

        def write_bytes(path: Path, content: bytes) -> int:
            if self.full is not None and self.full in path.as_posix():
                path.write_text("")  # the name may still find room
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(path, content)

        monkeypatch.setattr(Path, "write_bytes", write_bytes)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def states(league: League) -> dict[str, str]:
    return {name: record_of(line, league.place).get("state", "") for name, line in league.lines.items()}


@pytest.mark.parametrize(
    ("full", "noted", "asked_again"),
    [("/paces/.net.json", "failed", 2), ("/recipes/", "failed", 2), ("/lines/", "", 1), ("/league/", "", 2)],
)
def test_what_cannot_be_written_is_written_by_the_next_run(
    full: str, noted: str, asked_again: int, place: Place, workshop: Workshop, disk: Disk
) -> None:
    told: list[str] = []
    run(league_of(place, LINES, workshop), ["other"], 1)
    before = {each: each.read_bytes() for each in place.out.rglob("*.json")}
    disk.full = full
    first = league_of(place, LINES, workshop, told)
    run(first, [], 1)
    assert states(first) == {"other": "finished", "net": noted} and first.failed == ["net"]
    sentence = next(line for line in told if line.startswith("net: the disk is full: writing "))
    assert sentence.endswith("free some space and run the same command again") and "unexpected" not in sentence
    assert all(each.read_bytes() == content for each, content in before.items())
    assert not list(place.out.rglob("*.partial")), "no half files"
    disk.full, n_asked = None, len(workshop.asked)
    second = league_of(place, LINES, workshop)
    run(second, [], 1)
    assert states(second) == {"other": "finished", "net": "finished"} and not second.failed
    assert len(workshop.asked) - n_asked == asked_again, "a pace that was noted is not measured again"


def test_what_a_pace_was_measured_by_stays_until_it_is_noted(place: Place, workshop: Workshop, disk: Disk) -> None:
    disk.full = "/paces/.net.json"
    run(league_of(place, [NET], workshop), [], 1)
    (trial,) = workshop.asked
    assert Path(option(trial, "--out")).is_dir(), "earmark finds it finished, and nothing is trained twice"
    disk.full = None
    run(league_of(place, [NET], workshop), [], 1)
    assert workshop.asked[1] == trial and not Path(option(trial, "--out")).exists()


@pytest.mark.parametrize("why", ["the disk is full", "memory ran out"])
def test_what_could_not_be_measured_is_measured_by_the_next_run(
    why: str, place: Place, workshop: Workshop, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    lacking = [why]

    def measured(*_: object) -> dict[str, float]:
        if "memory ran out" in lacking:
            raise MemoryError(why)
        return MEASURED

    monkeypatch.setattr(measure, "_measured", measured)
    workshop.measures = False
    disk.full = "measured.json" if why == "the disk is full" else None
    run(league_of(place, [NET], workshop, told), [], 1)
    record = record_of(NET, place)
    assert record["state"] == "finished" and why in record["notes"][0]
    assert record["notes"][0].startswith("net: its speed could not be measured: ")
    assert f"net: {record['notes'][0]}" in told, "nobody reads records while it runs"
    assert Standing.of(place, [NET]).last("net").clips_per_s is None

    disk.full, n_asked = None, len(workshop.asked)
    lacking.clear()
    run(league_of(place, [NET], workshop), [], 1)
    assert len(workshop.asked) == n_asked, "nothing is trained again"
    assert record_of(NET, place) == record | {"notes": []}
    assert "| 1,234 |" in page(Standing.of(place, [NET]), ())


def test_what_learnt_without_labels_is_not_measured(place: Place, workshop: Workshop) -> None:
    workshop.measures = False

    def execute(command: Sequence[str], log: Path) -> int:
        code = workshop(command, log)
        for facts in place.out.rglob("run.json"):
            RunFolder(facts.parent).note({"taught": False})
        return code

    run(league_of(place, [NET], execute), [], 1)
    assert record_of(NET, place)["notes"] == [] and not list(place.out.rglob("measured.json"))


def test_a_log_that_cannot_be_begun_is_a_sentence(place: Place) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    (place.out / "logs").mkdir(parents=True)
    (place.out / "logs" / "net.log").symlink_to("/dev/full")
    league = league_of(place, [NET], Processes(1))
    run(league, [], 1)
    assert states(league) == {"net": "failed"}
    assert record_of(NET, place)["sentence"].startswith("the disk is full: writing ")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("$ earmark train\nearmark: there is no data\n", "there is no data"),
        ("$ earmark train\nearmark: the recipe has 1 fault:\n  - no loss\n", "the recipe has 1 fault: - no loss"),
        ("$ earmark train\nearmark: long ago\n$ earmark train\nepoch 1/3 ", "it ended with code 120 and without a"),
        ("", "it ended with code 120 and without a sentence; read '"),
    ],
)
def test_a_process_that_could_not_say_what_befell_it_says_nothing_else(said: str, sentence: str, place: Place) -> None:
    def execute(command: Sequence[str], log: Path) -> int:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(said)
        return 120

    run(league_of(place, [NET], execute), [], 1)
    assert record_of(NET, place)["sentence"].startswith(sentence)


@pytest.mark.parametrize("full", ["league.md", "league.json"])
def test_a_page_or_rules_that_cannot_be_written_are_written_by_the_same_command(
    full: str, sounds: Path, tmp_path: Path, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--data", str(sounds), "--out", str(tmp_path / "out"), "--table-only"]
    disk.full = full
    assert main(asked, {"net": NET}) == 3
    assert "the disk is full: writing " in capsys.readouterr().err
    assert not (tmp_path / "out" / "league.md").exists()
    disk.full = None
    assert main(asked, {"net": NET}) == 0
    assert "Nothing was run yet" in (tmp_path / "out" / "league.md").read_text()


def test_lines_that_could_not_even_be_noted_are_seen_in_the_exit_code(
    place: Place, workshop: Workshop, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_line, "Processes", lambda threads: workshop)
    asked = ["--data", str(place.data), "--out", str(place.out), "--jobs", "1"]
    disk.full = "/lines/"
    assert main(asked, {"net": NET}) == 1
    disk.full = None
    assert main(asked, {"net": NET}) == 0


class Full(io.StringIO):
    """Where standard error goes to a file on the full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_is_told_may_be_lost(place: Place, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "Processes", lambda threads: workshop)
    monkeypatch.setattr(sys, "stderr", Full())
    assert main(["--data", str(place.data), "--out", str(place.out), "--jobs", "1"], {"net": NET}) == 0
    assert record_of(NET, Place.of(place.data, place.out, None, None, gpu=False))["state"] == "finished"
