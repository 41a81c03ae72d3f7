"""Blending as a stage: what it leaves, whose scores are honest, that it is done once, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from earmark.core.errors import DataError, RunError, SettingsError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.tables import read_predictions, write_predictions
from earmark.metrics import lwlrap
from earmark.stages.blend import blend, gather, read_settings, summary
from earmark.stages.blend_members import find
from tests.ensemble.choir import Choir, choir
from tests.stages.test_clean import Told

ONE = choir((1.0, 1.5, np.inf))
TEST = choir((1.0, 1.5, np.inf), n=40, seed=5)


def renamed(one: Choir) -> dict[str, Predictions]:
    """The clips of a test part, which are in no fold."""
    return {
        name: replace(table, ids=tuple(f"t{clip}" for clip in table.ids), folds=None)
        for name, table in one.tables.items()
    }


def truth_of() -> Manifest:
    """The labels of all clips; half of the test part is Public."""
    clips: dict[str, list[Any]] = {"id": [], "part": [], "usage": [], "fold": []}
    labels: dict[str, list[str]] = {"clip": [], "label": []}
    for one, part in ((ONE, "train"), (TEST, "test")):
        members = one.members
        for row, clip in enumerate(members.ids):
            name = clip if part == "train" else f"t{clip}"
            clips["id"].append(name)
            clips["part"].append(part)
            clips["usage"].append(None if part == "train" else ("Public", "Private")[row % 2])
            clips["fold"].append(int(members.folds[row]) if part == "train" else None)  # type: ignore[index]
            for column in np.flatnonzero(one.targets.values[row]):
                labels["clip"].append(name)
                labels["label"].append(members.classes[column])
    table = pl.DataFrame(clips | {"file": [f"{name}.wav" for name in clips["id"]]})
    return Manifest.of(table, pl.DataFrame(labels), classes=ONE.members.classes)


@pytest.fixture(scope="module")
def truth() -> Manifest:
    return truth_of()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders ``a``, ``b`` and ``c``, laid out as a training of each fold leaves them."""
    work = tmp_path_factory.mktemp("runs")
    for name, table in ONE.tables.items():
        write_predictions(table, work / name / "predictions" / "held_out.parquet")
        assert table.folds is not None
        for fold in range(4):
            own = [clip for clip, of in zip(table.ids, table.folds, strict=True) if of == fold]
            folder = work / name / f"fold-{fold}" / "predictions"
            write_predictions(table.aligned(own), folder / "held_out.parquet")
            test = renamed(TEST)[name]
            noise = np.random.default_rng(fold).normal(size=test.scores.shape)
            write_predictions(replace(test, scores=test.scores + 0.2 * noise), folder / "test.parquet")
    return work


def blended(runs: Path, truth: Manifest | None, out: Path, kind: str = "greedy", changes: tuple[str, ...] = ()) -> Told:
    settings, show = read_settings(kind, changes), Told()
    found = find([str(runs / name) for name in "abc"])
    blend(settings, gather(settings, found, truth=truth), truth, out, show, n_resamples=100)
    return show


def test_what_it_leaves(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    out = tmp_path / "out"
    blended(runs, truth, out)
    held_out = read_predictions(out / "predictions" / "held_out.parquet")
    test = read_predictions(out / "predictions" / "test.parquet")
    assert set(held_out.ids) == set(ONE.members.ids) and held_out.folds is not None and test.folds is None
    assert held_out.provenance["nested"] is True and held_out.provenance["out_of_fold"] is True
    assert "out_of_fold" not in test.provenance
    assert held_out.provenance["blend"]["kind"] == "greedy" and set(held_out.provenance["members"]) == set("abc")
    facts = json.loads((out / "blend.json").read_text())
    assert facts["weights"]["c"] < 0.1 and set(facts["by_fold"]) == set("0123")
    assert facts["weights"] == test.provenance["weights"]
    assert len(facts["tables"]["a"]) == 4 or len(facts["tables"]["a"]) == 1
    assert (out / "correlation.png").read_bytes().startswith(b"\x89PNG")
    assert pl.read_csv(out / "correlation.csv").columns == ["member", "a", "b", "c"]
    scores = json.loads((out / "scores.json").read_text())
    assert [part["part"] for part in scores] == ["held out", "test"]
    said = {
        (part["part"], row["name"], row["usage"]): row["lwlrap"]["value"] for part in scores for row in part["rows"]
    }
    members = ONE.members
    for name in "abc":
        assert said["held out", name, ""] == pytest.approx(lwlrap(ONE.targets.values, members.table(name).scores))
    honest = lwlrap(ONE.targets.values, held_out.aligned(members.ids, members.classes).scores)
    assert said["held out", "(blend, learnt on other folds)", ""] == pytest.approx(honest)
    assert ("test", "(blend, greedy)", "Private") in said and ("held out", "(plain mean)", "") in said
    text = summary(out).read_text()
    assert "over 'a', the best member" in text and "weight" in text


def test_the_models_of_all_folds_are_averaged_on_the_test_part(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    blended(runs, truth, tmp_path / "out", "arithmetic", ("within=arithmetic",))
    made = read_predictions(tmp_path / "out" / "predictions" / "test.parquet")
    wanted = np.zeros(made.scores.shape)
    for name in "abc":
        for fold in range(4):
            table = read_predictions(runs / name / f"fold-{fold}" / "predictions" / "test.parquet")
            wanted += expit(table.aligned(made.ids, made.classes).scores) / 12
    np.testing.assert_allclose(expit(made.scores), wanted)


def test_held_out_scores_are_made_without_the_labels_of_their_fold(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    blended(runs, truth, tmp_path / "out", "logistic")
    own = [clip for clip, fold in zip(ONE.members.ids, ONE.members.folds.tolist(), strict=True) if fold == 2]  # type: ignore[union-attr]
    turned = truth.labels.with_columns(
        label=pl.when(pl.col("clip").is_in(own)).then(pl.lit("k0")).otherwise(pl.col("label"))
    ).unique(["clip", "label"])
    lies = Manifest.of(truth.clips, turned, classes=truth.classes)
    blended(runs, lies, tmp_path / "lies", "logistic")
    one, other = (read_predictions(tmp_path / name / "predictions" / "held_out.parquet") for name in ("out", "lies"))
    assert np.array_equal(one.aligned(own).scores, other.aligned(own).scores)
    assert not np.array_equal(one.scores, other.scores)


def test_a_blend_is_a_member_of_another(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    blended(runs, truth, tmp_path / "stack", "logistic")
    settings = read_settings("geometric")
    found = find([str(tmp_path / "stack"), str(runs / "a")])
    assert set(found) == {"stack", "a"}
    blend(settings, gather(settings, found), truth, tmp_path / "second", Told(), n_resamples=100)
    assert (tmp_path / "second" / "predictions" / "test.parquet").is_file()


def test_the_same_again_is_done_already_and_another_is_refused(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    out = tmp_path / "out"
    blended(runs, truth, out)
    stamp = (out / "blend.json").stat().st_mtime_ns
    assert blended(runs, truth, out).lines == [f"'{out}' is blended already"]
    assert (out / "blend.json").stat().st_mtime_ns == stamp
    with pytest.raises(RunError, match=r"blend\.kind \('greedy' there, 'rank' now\)"):
        blended(runs, truth, out, "rank")


def test_without_labels_there_is_a_plain_blend_and_no_learnt_one(runs: Path, tmp_path: Path) -> None:
    blended(runs, None, tmp_path / "rank", "rank")
    assert read_predictions(tmp_path / "rank" / "predictions" / "test.parquet").link == "rank"
    assert "nothing was scored" in summary(tmp_path / "rank").read_text()
    blended(runs, None, tmp_path / "pruned", "geometric", ("prune.above=0.5",))
    with pytest.raises(SettingsError, match="blend 'greedy' learns from labels, but none came"):
        blended(runs, None, tmp_path / "out")
    assert not (tmp_path / "out").exists(), "refused before anything is written"


def test_pruned_members_are_named(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    blended(runs, truth, tmp_path / "out", "geometric", ("prune.above=0.3",))
    assert "member 'b' is left out: its scores correlate by 0." in summary(tmp_path / "out").read_text()
    assert json.loads((tmp_path / "out" / "blend.json").read_text())["dropped"]["b"]["like"] == "a"


def test_settings_are_of_the_blend_unless_they_are_of_blending() -> None:
    settings = read_settings("cobyla", ("scale=rank", "link=rank", "within.of=chances"))
    assert settings.blend.model_dump()["scale"] == "rank" and settings.link == "rank"
    with pytest.raises(SettingsError, match="averaged without learning, but 'greedy' learns"):
        read_settings("cobyla", ("within=greedy",))
    with pytest.raises(SettingsError, match="no such setting"):
        read_settings("rank", ("scale=rank",))


def test_a_missing_fold_is_refused(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    folder = tmp_path / "d" / "fold-0" / "predictions"
    part = read_predictions(runs / "a" / "fold-0" / "predictions" / "held_out.parquet")
    write_predictions(part, folder / "held_out.parquet")
    settings = read_settings("greedy")
    with pytest.raises(DataError, match="member 'd' has no predictions of fold 1, which 'a' has"):
        gather(settings, find([str(runs / "a"), str(tmp_path / "d")]))


def test_labels_of_other_clips_judge_nothing_and_are_refused(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    clips = truth.clips.with_columns(id=pl.col("id") + "x")
    labels = truth.labels.with_columns(clip=pl.col("clip") + "x")
    others = Manifest.of(clips, labels, classes=truth.classes)
    with pytest.raises(DataError, match=r"and the labels in '.*' of none of them, but for example of 'clip0000x'"):
        blended(runs, others, tmp_path / "blend", "arithmetic")
    assert not (tmp_path / "blend").exists()


def test_parts_that_some_do_not_know_are_left_out_aloud(runs: Path, truth: Manifest, tmp_path: Path) -> None:
    write_predictions(ONE.tables["b"], tmp_path / "b.parquet")
    settings, show = read_settings("geometric"), Told()
    found = find([str(runs / "a"), str(tmp_path / "b.parquet")])
    blend(settings, gather(settings, found), truth, tmp_path / "out", show, n_resamples=100)
    assert show.lines[0] == "part 'test' is left out, for member 'b' has no scores of it"
    write_predictions(renamed(TEST)["b"], tmp_path / "only_test.parquet")
    with pytest.raises(DataError, match="no part of the data in common"):
        gather(settings, find([str(tmp_path / "b.parquet"), str(tmp_path / "only_test.parquet")]))
    learnt = read_settings("greedy")
    only = find([str(runs / "a" / "fold-0" / "predictions" / "test.parquet"), str(tmp_path / "only_test.parquet")])
    with pytest.raises(DataError, match="learns on held-out clips alone, but not every member"):
        blend(learnt, gather(learnt, only), truth, tmp_path / "out2", show, n_resamples=100)
