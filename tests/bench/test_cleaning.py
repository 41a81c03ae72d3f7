"""Measuring rules: what was measured is kept, what is missing is named, and the truth is opened last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from bench import cleaning as bench
from earmark.cleaning.judge import judge
from earmark.cleaning.rules.rule import Rule
from earmark.core.predictions import Predictions
from earmark.data.tables import write_embeddings, write_manifest, write_predictions
from earmark.runs.folder import RunFolder
from earmark.stages.prepare import read_manifest
from tests.cleaning.cases import World, world

ONE: World = world(60)
GUESS = ONE.guesses[0]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The world as a data folder, with its truth."""
    write_manifest(ONE.manifest, tmp_path / "data")
    (tmp_path / "data" / "truth").mkdir()
    write_truth(tmp_path / "data", {name: ",".join(sorted(ONE.truth[name])) for name in ONE.case.ids})
    return tmp_path / "data"


def write_truth(data: Path, said: dict[str, str]) -> None:
    rows = [(name, labels, "?") for name, labels in said.items()]
    table = pl.DataFrame(rows, schema=["fname", "true_labels", "kind"], orient="row")
    table.write_csv(data / "truth" / "train_noisy.csv")


def arm(place: Path, folds: tuple[int, ...] = (0, 1, 2), *, unfinished: int | None = None) -> Path:
    """The runs of an arm, with one of another seed beside them."""
    for name in [*map(str, folds), "1-seed-2", "none"]:
        run = RunFolder(place / f"fold-{name}")
        run.write_json("run.json", {"fingerprint": name, "finished": name != str(unfinished), "fold": 0})
        (run.path / "recipe.yaml").write_text("seed: 1\n")
        run.write_json("learnt.json", {"clips": []})
        run.tagger.write_bytes(b"weights of " + name.encode())
        if name.isdigit():
            write_predictions(held_out(int(name)), run.predictions("held_out"))
    return place


def held_out(fold: int) -> Predictions:
    curated = GUESS.parts[1]
    assert curated.folds is not None
    return curated.aligned([name for name, own in zip(curated.ids, curated.folds, strict=True) if own == fold])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Whom the runs were asked for guesses; they answer with those of the world."""
    calls: list[Path] = []

    def guess(place: bench.Place, number: int) -> None:
        models = place.models(number)
        calls.append(models)
        write_predictions(GUESS.parts[0], RunFolder(models).predictions("noisy"))
        for run, member in zip(sorted(models.glob("fold-*")), GUESS.members, strict=False):
            write_predictions(member, RunFolder(run).predictions("noisy"))
            write_embeddings(
                replace(ONE.embeddings[0], provenance={"fold": int(run.name[5:])}), run / "embeddings.parquet"
            )

    monkeypatch.setattr(bench, "_guess", guess)
    return calls


Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[Path]) -> Call:
    def run(*arguments: object) -> tuple[int, str]:
        words = ["--data", data, "--out", tmp_path / "out", *arguments]
        code = bench.main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.err + said.out

    return run


def test_figures_are_those_of_the_judge_and_what_is_missing_is_named(call: Call, tmp_path: Path) -> None:
    runs = arm(tmp_path / "study" / "some-arm")
    code, text = call("--runs", runs, "--only", "scoring", "--only", "confident_learning")
    assert code == 0 and (tmp_path / "out" / "cleaning.md").read_text() in text
    case = ONE.case
    for kind in ("scoring", "confident_learning"):
        found = judge(Rule.named(kind)()(case), case.labels, ONE.truth_of(case))
        for name in bench.KINDS:
            each = found[name]
            assert f"| {kind} | {each.n_said} | {each.n_hit} |" in text
        assert f"| {found['faulty'].auroc:.3f} |" in text
    missing = text.split("Missing: ")[1]
    assert "geometric_mean (compares two arms)" in missing and "combined, no embeddings" in missing
    assert "scoring" not in missing and "'some-arm', 3 folds;" in text


def test_runs_are_copied_and_left_alone(call: Call, tmp_path: Path, asked: list[Path]) -> None:
    runs = arm(tmp_path / "arm")
    before = {path: path.stat().st_mtime_ns for path in sorted(runs.rglob("*"))}
    call("--runs", runs, "--only", "scoring")
    assert {path: path.stat().st_mtime_ns for path in sorted(runs.rglob("*"))} == before
    assert sorted(run.name for run in asked[0].glob("fold-*")) == ["fold-0", "fold-1", "fold-2"]
    assert (asked[0] / "fold-1" / "tagger.safetensors").read_bytes() == b"weights of 1"


def test_it_goes_on_where_it_was(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = arm(tmp_path / "arm")
    call("--runs", runs, "--only", "scoring")
    whole, cleaned = bench.judge, []
    monkeypatch.setattr(bench, "judge", lambda *given: cleaned.append(given) or whole(*given))
    _, text = call("--runs", runs, "--only", "scoring", "--only", "neighbours")
    assert len(cleaned) == 1 and "| scoring |" in text and "| neighbours |" in text
    _, again = call("--runs", runs, "--table-only")
    assert len(cleaned) == 1 and again == (tmp_path / "out" / "cleaning.md").read_text()


def test_a_fold_that_comes_later_is_another_measurement(call: Call, tmp_path: Path) -> None:
    runs = arm(tmp_path / "arm", (0, 1))
    _, text = call("--runs", runs, "--only", "combined")
    assert "2 folds (missing: 2)" in text
    arm(runs)
    _, text = call("--runs", runs, "--only", "combined")
    assert "3 folds;" in text and len(list((tmp_path / "out" / "cleaned").glob("combined-*"))) == 2


def test_two_arms_let_two_models_be_compared(call: Call, tmp_path: Path) -> None:
    one, other = arm(tmp_path / "one"), arm(tmp_path / "other")
    _, text = call("--runs", one, "--runs", other, "--only", "geometric_mean")
    assert "| geometric_mean |" in text and "geometric_mean" not in text.split("Missing: ")[1]


def test_the_truth_changes_no_verdict(call: Call, data: Path, tmp_path: Path) -> None:
    runs = arm(tmp_path / "arm")
    _, text = call("--runs", runs, "--only", "combined")
    (left,) = (tmp_path / "out" / "cleaned").iterdir()
    verdicts = (left / "verdicts.parquet").read_bytes()
    write_truth(data, dict.fromkeys(ONE.case.ids, ""))
    assert "| combined |" not in call("--runs", runs, "--table-only")[1], "figures belong to a truth"
    (data / "truth" / "train_noisy.csv").unlink()
    assert call("--runs", runs, "--only", "combined")[0] == 3
    write_truth(data, dict.fromkeys(ONE.case.ids, ""))
    _, other = call("--runs", runs, "--only", "combined")
    assert other != text and (left / "verdicts.parquet").read_bytes() == verdicts


def test_what_is_left_is_a_data_folder(call: Call, tmp_path: Path) -> None:
    call("--runs", arm(tmp_path / "arm"), "--only", "top_intersection")
    (left,) = (tmp_path / "out" / "cleaned").iterdir()
    assert set(read_manifest(left, None).ids) == set(ONE.manifest.ids)


def test_unfinished_runs_take_no_part(call: Call, tmp_path: Path) -> None:
    _, text = call("--runs", arm(tmp_path / "arm", unfinished=2), "--only", "scoring")
    assert "2 folds (missing: 2)" in text
    code, text = call("--runs", tmp_path / "nowhere", "--only", "scoring")
    assert code == 4 and "holds no finished run of a fold" in text
