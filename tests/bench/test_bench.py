"""The benchmarks run, keep what they have measured, and write a page that says what was measured and what was not."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # The benchmarks lie beside the package and are not installed with it.

from bench import __main__ as command  # noqa: E402
from bench.catalogue import BENCHMARKS, benchmark, described  # noqa: E402
from bench.page import page  # noqa: E402
from bench.results import Result, load, save  # noqa: E402
from bench.row import Row, take_turns  # noqa: E402
from bench.training_step import NETS  # noqa: E402
from earmark.core.errors import DataError  # noqa: E402
from earmark.stages.recipe import read_recipe  # noqa: E402

ROWS = (Row.of("ours", "theirs", "clips a second", [4.0, 9.0, 6.0], [2.0, 3.0, 4.0], "a note"),)
RESULT = Result(ROWS, {"date": "2026-01-01", "processor": "Abacus", "cores": "2", "threads": "2"}, 3.0, 0.0)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Run the command with benchmarks that only say that they were called; the names of those."""
    monkeypatch.setattr(command, "_use_all_cores", lambda: None)

    def run(*arguments: str, code: int = 0, missing: str = "") -> list[str]:
        called: list[str] = []

        def fake(name: str) -> Any:
            def measure(quick: bool) -> list[Row]:
                if name == missing:
                    raise ModuleNotFoundError("No module named 'librosa'", name="librosa")
                called.append(name)
                return list(ROWS)

            return SimpleNamespace(measure=measure)

        monkeypatch.setattr(command, "benchmark", fake)
        place = ["--out", str(tmp_path / "page.md"), "--results", str(tmp_path / "results.json")]
        assert command.main([*arguments, *place]) == code
        return called

    return run


def test_what_is_said_of_recipe_s0_is_what_it_is_now() -> None:
    for (name, changes), widths in zip(NETS.items(), ((64, 128, 256, 512), (32, 64, 128, 256)), strict=True):
        recipe = read_recipe("s0", changes)
        picture, mixing = recipe.view[1:]
        assert (picture.kind, picture.copies, mixing.kind, mixing.p) == ("image", 3, "mixup", 0.5), name
        assert recipe.model.encoder.widths == widths and recipe.spec.n_bands == widths[0] * 2
        assert recipe.streams["curated"].crop.length_s == 2.0 and recipe.training.optimizer.kind == "adam"
        assert recipe.objective["labels"].term.loss.kind == "bce" and recipe.inference.hearing.n == 5
    said = described("training_step") + described("inference")
    assert all(words in said for words in ("three equal channels", "half of the clips mixed", "five random crops"))


def test_ratio_is_of_turns_not_of_medians() -> None:
    (row,) = ROWS
    assert (row.ours, row.theirs) == (6.0, 3.0)
    assert (row.lowest, row.ratio, row.highest) == (1.5, 2.0, 3.0)


def test_ways_take_turns_after_a_warm_up() -> None:
    order: list[str] = []
    speeds = take_turns([lambda: order.append("a"), lambda: order.append("b")], n_turns=2, amount=10)
    assert "".join(order) == "ab" + "abab"
    assert [len(turns) for turns in speeds] == [2, 2]
    order.clear()
    take_turns([lambda: order.append("a")], n_turns=1, warm=True)
    assert order == ["a"]


def test_finished_benchmarks_are_not_measured_again(run: Callable[..., list[str]]) -> None:
    assert run("--only", "crops") == ["crops"]
    assert run() == [name for name in BENCHMARKS if name != "crops"]
    assert run() == []
    assert run("--again", "--only", "crops", "inference") == ["crops", "inference"]


def test_each_benchmark_is_kept_as_soon_as_it_is_finished(
    run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    monkeypatch.setattr(command, "save", lambda results, path: kept.append(len(results)))
    run()
    assert kept == list(range(1, len(BENCHMARKS) + 1))


def test_quick_runs_keep_nothing(run: Callable[..., list[str]], tmp_path: Path) -> None:
    assert run("--quick") == list(BENCHMARKS)
    assert not (tmp_path / "results.json").exists()
    assert run() == list(BENCHMARKS)
    assert run("--quick", "--only", "crops") == ["crops"]


def test_missing_peer_is_named_and_the_rest_goes_on(
    run: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(missing="log_mel", code=1) == [name for name in BENCHMARKS if name != "log_mel"]
    assert "log_mel needs 'librosa'" in capsys.readouterr().err
    assert "Not measured yet: Log-mel features (`python -m bench --only log_mel`)" in (tmp_path / "page.md").read_text()


def test_page_says_what_when_and_on_what() -> None:
    text = page({"crops": RESULT})
    assert "| Random crops | ours | theirs | **2.00** |" in text
    assert "| ours | theirs | clips a second | 6.00 | 3.00 | 2.00 | 1.50 to 3.00 | a note |" in text
    assert "2026-01-01: Abacus, 2 cores" in text
    assert described("crops") in text
    assert "Other programs" not in text
    assert f"`python -m bench --only {' '.join(BENCHMARKS)}`" in page({})


def test_page_doubts_what_was_measured_on_a_busy_machine() -> None:
    assert "Other programs took 40% of the processors" in page({"crops": dataclasses.replace(RESULT, others=0.4)})


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert load(path) == {}
    save({"crops": RESULT}, path)
    assert load(path) == {"crops": RESULT}


@pytest.mark.parametrize("text", ["{", "[]", '{"crops": {"rows": [{"what": "x"}]}}', '{"crops": 3}'])
def test_damaged_results_are_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(DataError, match="delete it, measure again"):
        load(path)
    assert command.main(["--results", str(path), "--out", str(tmp_path / "page.md")]) == DataError.exit_code
    assert not (tmp_path / "page.md").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name != "crops"])
def test_every_benchmark_runs(name: str) -> None:
    rows = benchmark(name).measure(quick=True)
    assert rows
    for row in rows:
        assert 0 < row.lowest <= row.ratio <= row.highest
        assert min(row.ours, row.theirs) > 0


@pytest.mark.slow
def test_command_writes_a_page(tmp_path: Path) -> None:
    out = tmp_path / "page.md"
    before = [path.stat().st_mtime_ns if path.exists() else None for path in (command.PAGE, command.RESULTS)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "crops", "--out", str(out)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "## Random crops" in out.read_text()
    assert [path.stat().st_mtime_ns if path.exists() else None for path in (command.PAGE, command.RESULTS)] == before


def test_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        command.main(["--only", "speed"])
    assert raised.value.code == 2
    assert "log_mel" in capsys.readouterr().err
