from __future__ import annotations

import json
from pathlib import Path

import pytest

from earmark.core.errors import RunError
from earmark.core.files import PARTIAL
from earmark.core.yaml_text import parse
from earmark.runs.folder import RunFolder

RECIPE = {"seed": 1, "training": {"epochs": 3, "average": None}, "view": [{"kind": "log_mel"}]}
FACTS = {"fold": 2, "data": "clips"}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "one")


def names_in(run: RunFolder) -> set[str]:
    return {path.name for path in run.path.iterdir()}


def test_a_new_folder_is_claimed_and_the_same_run_goes_on_in_it(run):
    assert run.claim("abc", RECIPE, FACTS) is False
    assert parse((run.path / "recipe.yaml").read_text()) == RECIPE
    assert run.facts() == {"fingerprint": "abc", "finished": False, **FACTS}
    run.note({"finished": True})
    assert run.claim("abc", RECIPE, FACTS) is True
    assert run.facts()["finished"] is True


def test_an_empty_folder_may_be_claimed(run):
    run.path.mkdir(parents=True)
    assert run.claim("abc", RECIPE, FACTS) is False


@pytest.mark.parametrize(
    ("recipe", "facts", "words"),
    [
        ({**RECIPE, "seed": 2}, FACTS, r"seed \(1 there, 2 now\)"),
        ({**RECIPE, "training": {"epochs": 9, "average": None}}, FACTS, r"training\.epochs \(3 there, 9 now\)"),
        (RECIPE, {**FACTS, "fold": None}, r"fold \(2 there, None now\)"),
        (RECIPE, FACTS, "its clips, labels, audio or arithmetic have changed since"),
    ],
)
def test_another_run_is_refused_with_what_differs(run, recipe, facts, words):
    run.claim("abc", RECIPE, FACTS)
    run.last.parent.mkdir()
    run.last.write_bytes(b"an epoch")
    before = {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    with pytest.raises(RunError, match=f"made with other settings: {words}; name another folder with --out") as raised:
        run.claim("xyz", recipe, facts)
    assert raised.value.path == run.path
    assert {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()} == before


def test_a_claim_without_an_epoch_to_lose_is_taken_over(run):
    """A mistyped option must not cost the folder's name."""
    run.claim("abc", RECIPE, FACTS)
    assert run.claim("xyz", {**RECIPE, "seed": 2}, FACTS) is False
    assert run.facts()["fingerprint"] == "xyz" and parse((run.path / "recipe.yaml").read_text())["seed"] == 2


def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(run):
    run.path.mkdir(parents=True)
    (run.path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="holds files but no run; name an empty or a new folder"):
        run.claim("abc", RECIPE, FACTS)
    assert names_in(run) == {"thesis.tex"}


@pytest.mark.parametrize("n_writes", [0, 1])
def test_a_claim_that_was_killed_halfway_is_claimed_again(run, monkeypatch, n_writes):
    class Killed(BaseException):
        pass

    import earmark.runs.folder as module

    write, left = module.write_text_atomically, [n_writes]

    def killed(path: Path, text: str) -> None:
        if not left[0]:
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / f".{path.name}.0a{PARTIAL}").write_text(text[:5])  # as a kill leaves it
            raise Killed
        left[0] -= 1
        write(path, text)

    with monkeypatch.context() as until:
        until.setattr(module, "write_text_atomically", killed)
        with pytest.raises(Killed):
            run.claim("abc", RECIPE, FACTS)
    run.claim("abc", RECIPE, FACTS)
    assert run.facts()["fingerprint"] == "abc"
    assert parse((run.path / "recipe.yaml").read_text()) == RECIPE
    run.last.parent.mkdir()
    run.last.write_bytes(b"an epoch")
    with pytest.raises(RunError, match="seed"):
        run.claim("xyz", {**RECIPE, "seed": 5}, FACTS)
    (run.path / "recipe.yaml").unlink()
    with pytest.raises(RunError, match="made with other settings"):
        run.claim("xyz", {**RECIPE, "seed": 5}, FACTS)


@pytest.mark.parametrize("text", ["{", "[1]", '"words"', '{"fold": 1}', ""])
def test_a_damaged_or_foreign_run_json_is_refused_in_words(run, text):
    run.path.mkdir(parents=True)
    (run.path / "run.json").write_text(text)
    with pytest.raises(RunError, match="name another folder with --out"):
        run.claim("abc", RECIPE, FACTS)


def test_facts_are_added_and_the_last_word_holds(run):
    run.claim("abc", RECIPE, FACTS)
    run.note({"finished": True, "place": Path("x")})
    assert run.facts() == {"fingerprint": "abc", "finished": True, "fold": 2, "data": "clips", "place": "x"}
    assert RunFolder(run.path / "elsewhere").facts() == {}


def test_the_log_is_written_anew_and_read_back(run):
    assert run.log() == []
    history = [{"epoch": i, "loss": 0.1 * i} for i in range(1, 4)]
    run.write_log(history)
    assert run.log() == history
    assert len((run.path / "log.jsonl").read_text().splitlines()) == 3
    run.write_log(history[:1])
    assert run.log() == history[:1]


def test_small_json_files(run):
    assert run.read_json("scores.json") is None
    run.write_json("scores.json", {"lwlrap": 0.5})
    assert run.read_json("scores.json") == {"lwlrap": 0.5} == json.loads((run.path / "scores.json").read_text())


def test_every_path_lies_in_the_folder(run):
    paths = [run.last, run.best, run.tagger, run.report, run.predictions("test"), run.predictions("held_out")]
    assert len(set(paths)) == 6 and all(path.is_relative_to(run.path) for path in paths)


def test_one_process_works_on_a_run_at_a_time(run):
    with run.alone():
        assert run.claim("abc", RECIPE, FACTS) is False
        with pytest.raises(RunError, match="another process is at work on run"), RunFolder(run.path).alone():
            pass
    with run.alone():
        assert run.claim("abc", RECIPE, FACTS) is True


def test_snapshots_are_listed_in_order_and_go_with_a_claim_that_is_taken_over(run):
    run.claim("abc", RECIPE, FACTS)
    assert run.snapshots == {}
    for epoch in (100, 9, 20000):
        run.snapshot(epoch).parent.mkdir(exist_ok=True)
        run.snapshot(epoch).write_bytes(b"weights")
    assert list(run.snapshots) == [9, 100, 20000]
    assert run.snapshots[9] == run.snapshot(9)
    run.claim("xyz", RECIPE, FACTS)
    assert run.snapshots == {}
