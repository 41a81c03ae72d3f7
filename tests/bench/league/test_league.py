"""The whole of it: what the command line says, and small lines from sounds to the page by processes of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.league.__main__ import main
from bench.league.line import Line, Scale
from bench.league.place import ROOT

TINY = ("model.encoder.widths=[4, 8]", "streams.curated.batch_size=8", "training.precision=float32")
LEAST = Scale(0.06, 0.5, ("net.streams.curated.batch_size=8",))
LINES = {
    line.name: line
    for line in (
        Line("schoneveld", "Schoneveld", system="schoneveld", scale=LEAST),
        Line("no-skip", "without", recipe="s0", changes=("model.encoder.skip=false",), like="schoneveld", scale=LEAST),
        Line("best", "**best**", recipe="small", changes=TINY, own=True),
        Line("small-distilled", "taught", recipe="small", teacher="best", changes=TINY, own=True),
        Line(
            "cpc",
            "begun without labels",
            system="bench.league.cpc_first:CpcFirst",
            like="schoneveld",
            scale=Scale(0.06, 0.5),
            listed=False,
        ),
        Line("absent", "absent", system="absent", own=True),
    )
}


def test_the_page_of_other_data_lies_beside_the_runs(sounds: Path, tmp_path: Path) -> None:
    before = (ROOT / "docs" / "league.md").read_text() if (ROOT / "docs" / "league.md").is_file() else None
    asked = ["--data", str(sounds), "--out", str(tmp_path / "out"), "--table-only"]
    assert main(asked) == 0
    assert "Nothing was run yet" in (tmp_path / "out" / "league.md").read_text()
    after = (ROOT / "docs" / "league.md").read_text() if (ROOT / "docs" / "league.md").is_file() else None
    assert after == before
    assert main([*asked, "--budget-s", "5"]) == 4, "another league"


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        (["--only", "smal"], 2, "there is no line 'smal'; did you mean 'small'"),
        (["--fold", "none"], 2, "--fold must be 'each' or the number of a fold, got 'none'"),
        (["--fold", "0,2"], 2, "--fold must be 'each' or the number of a fold, got '0,2'"),
        (["--budget-s", "0"], 2, "--budget-s must be above 0"),
        (["--data", "nowhere"], 3, "there is no data folder 'nowhere'"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    asked: list[str], code: int, words: str, sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(sounds), "--out", str(tmp_path / "out"), *asked]) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_from_sounds_to_the_page_and_then_there_is_nothing_left_to_do(
    sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    asked = ["--data", str(sounds), "--out", str(out), "--budget-s", "0.2", "--fold", "0"]
    assert main(asked, LINES) == 0
    said = capsys.readouterr().err
    text = (out / "league.md").read_text()
    missing = text.split("## Missing\n")[1]
    assert "earmark has no system 'absent'" in missing and missing.count("* `") == 1, said
    for line in list(LINES.values())[:4]:
        row = next(row for row in text.splitlines() if row.startswith(f"| {line.says} |"))
        assert row.count(" to ") == 4, "an interval for each part"
        assert " – " not in row, "parameters and speed were measured"
    student = next(row for row in text.splitlines() if row.startswith("| taught | student |"))
    assert "| curated + noisy |" in student
    assert "| begun without labels | `cpc` | 1 |" in text, "its encoder tags nothing and is no reason to fail"
    assert "could not be measured" not in said
    stamps = {place: place.stat().st_mtime_ns for place in out.rglob("*.safetensors")}
    assert main(asked, LINES) == 0
    assert capsys.readouterr().err.count("finished before") == 5
    assert stamps == {place: place.stat().st_mtime_ns for place in out.rglob("*.safetensors")}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_stopped_by_a_signal_it_ends_its_processes_and_writes_the_page(sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "bench.league", "--data", str(sounds), "--out", str(out), "--only", "small-alone"]
    league = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    log = out / "logs" / "small-alone.log"
    while not (log.is_file() and re.search(r"epoch +1/", log.read_text())):
        assert league.poll() is None
        time.sleep(0.1)
    league.send_signal(signal.SIGTERM)
    _, said = league.communicate(timeout=300)
    assert league.returncode == 130 and "stopped; the same command goes on where it was" in said
    assert "earmark: stopped" in log.read_text().splitlines()[-1]
    assert "* `small-alone`: not run yet" in (out / "league.md").read_text()
