"""Cleaning as a stage: what it leaves, that it goes on where it was, and what it refuses before writing anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earmark.cleaning.case import Guesses
from earmark.core.errors import DataError, RunError, SettingsError
from earmark.data.folds.stratified import Stratified
from earmark.data.sources.detection import detect
from earmark.data.tables import read_manifest, write_embeddings, write_predictions
from earmark.runs.folder import RunFolder
from earmark.stages import clean as stage
from earmark.stages.clean import Material, clean, gather, read_settings
from earmark.stages.recipe import read_recipe
from earmark.stages.show import Silent
from tests.cleaning.cases import World, world


class Told(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def one() -> World:
    return world(60)


@pytest.fixture
def material(one: World, tmp_path: Path) -> Material:
    """The world's guesses and vectors as files."""
    noisy, curated = one.guesses[0].parts
    both = replace(
        noisy,
        ids=noisy.ids + curated.ids,
        scores=np.concatenate([noisy.scores, curated.aligned(curated.ids, noisy.classes).scores]),
    )
    write_predictions(both, tmp_path / "p.parquet")
    write_embeddings(one.embeddings[0], tmp_path / "e.parquet")
    return gather([tmp_path / "p.parquet"], [tmp_path / "e.parquet"])


def test_what_it_leaves_is_a_data_folder(one: World, material: Material, tmp_path: Path) -> None:
    show, out = Told(), tmp_path / "out"
    verdicts = clean(read_settings("combined"), one.manifest, material, out, show)
    assert verdicts is not None
    assert any("chances are calibrated on 60 trusted clips" in line for line in show.lines)
    assert detect(out).kind == "manifest"
    made = read_manifest(out)
    assert made.ids == one.manifest.ids and made.classes == one.manifest.classes
    assert made.labels.filter(pl.col("by") == "clean combined").height == verdicts.table.height
    assert pl.read_parquet(out / "verdicts.parquet").equals(verdicts.table)
    doubtful = pl.read_csv(out / "doubtful.csv")
    assert doubtful.height == min(500, verdicts.table.height) and doubtful["doubt"].is_sorted(descending=True)
    assert "Labels cleaned by combined" in (out / "report.html").read_text()


def test_it_says_what_chances_rest_on_and_what_to_do(one: World, material: Material, tmp_path: Path) -> None:
    def told(name: str, guesses: Guesses, rule: str = "scoring") -> list[str]:
        show = Told()
        clean(read_settings(rule), one.manifest, replace(material, guesses=(guesses,)), tmp_path / name, show)
        return show.lines

    whole = material.guesses[0].parts[0]
    noisy = whole.aligned([clip for clip in whole.ids if clip.startswith("n")])
    curated = whole.aligned([clip for clip in whole.ids if clip.startswith("c")])
    assert any("calibrated on 60 trusted clips" in line for line in told("all", Guesses((whole,))))
    lines = told("none", Guesses((noisy,)))
    assert any("hold no trusted clip that" in line and "earmark train --fold each" in line for line in lines)
    backwards = replace(curated, scores=-curated.scores)
    lines = told("backwards", Guesses((noisy, backwards)))
    assert "chances are as the models gave them: the labels of 60 trusted clips" in "\n".join(lines)
    lines = told("combined", Guesses((whole,)), "combined")
    n_wrong = next(int(line.split()[1]) for line in lines if "are believed to be wrong" in line)
    doubt = pl.read_parquet(tmp_path / "combined" / "verdicts.parquet").filter(pl.col("given") == "present")["doubt"]
    assert n_wrong == round(doubt.sum()) and not any(
        "believed to be wrong" in line for line in told("x", Guesses((whole,)))
    )


def test_the_same_again_is_done_already_and_another_is_refused(one: World, material: Material, tmp_path: Path) -> None:
    show, out = Told(), tmp_path / "out"
    settings = read_settings("scoring", ["k=20"])
    clean(settings, one.manifest, material, out, show)
    before = (out / "verdicts.parquet").stat().st_mtime_ns
    assert clean(settings, one.manifest, material, out, show) is None
    assert show.lines[-1] == f"'{out}' is cleaned already" and (out / "verdicts.parquet").stat().st_mtime_ns == before
    with pytest.raises(RunError, match=r"rule\.k \(20 there, 30 now\)"):
        clean(read_settings("scoring", ["k=30"]), one.manifest, material, out, show)
    assert clean(read_settings("scoring", ["k=20", "n_doubtful=3"]), one.manifest, material, out, show) is None


def test_interrupted_it_begins_anew(
    one: World, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stage, "write_manifest", stopped)
        clean(read_settings("scoring"), one.manifest, material, out, Silent())
    assert not (out / "manifest.json").exists() and (out / "verdicts.parquet").exists()
    assert clean(read_settings("scoring"), one.manifest, material, out, Silent()) is not None
    assert (out / "manifest.json").exists()


def test_what_is_lacking_is_said_before_anything_is_written(one: World, material: Material, tmp_path: Path) -> None:
    out = tmp_path / "out"
    bare = replace(material, embeddings=())
    with pytest.raises(SettingsError, match="rule 'neighbours' looks at embeddings"):
        clean(read_settings("neighbours"), one.manifest, bare, out, Silent())
    with pytest.raises(SettingsError, match="rule 'geometric_mean' compares 2 predictions, but 1 came"):
        clean(read_settings("geometric_mean"), one.manifest, material, out, Silent())
    other = replace(one.manifest, classes=(*one.manifest.classes, "another"))
    with pytest.raises(DataError, match="manifest and predictions are over different vocabularies"):
        clean(read_settings("scoring"), other, material, out, Silent())
    assert not out.exists()


def test_guesses_without_a_word_need_somebody_who_vouches(one: World, material: Material, tmp_path: Path) -> None:
    silent = replace(material.guesses[0].parts[0], provenance={})
    write_predictions(silent, tmp_path / "silent.csv")
    told = gather([tmp_path / "silent.csv"], [])
    with pytest.raises(DataError, match=r"silent.csv' does not say so of 60 clips.*or vouch for them"):
        clean(read_settings("scoring"), one.manifest, told, tmp_path / "out", Silent())
    assert clean(read_settings("scoring"), one.manifest, told, tmp_path / "out", Silent(), vouched=True)
    assert RunFolder(tmp_path / "out").facts()["vouched"]
    assert "somebody vouches" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "clean scoring, vouched" in set(read_manifest(tmp_path / "out").labels["by"])


def test_folds_must_be_those_of_the_guesses(one: World, material: Material, tmp_path: Path) -> None:
    part = material.guesses[0].parts[0]
    held = replace(part, folds=np.array([int(name[1:]) % 3 for name in part.ids]))
    guesses = (replace(material.guesses[0], parts=(held,)),)
    assert clean(read_settings("scoring"), one.manifest, replace(material, guesses=guesses), tmp_path / "a", Silent())
    other = one.manifest.folded({part.ids[0]: 9})
    with pytest.raises(DataError, match=f"clip '{part.ids[0]}' is in fold 9 of the manifest, but was held out as"):
        clean(read_settings("scoring"), other, replace(material, guesses=guesses), tmp_path / "b", Silent())


def test_folds_of_the_training_take_the_place_of_those_that_the_data_bring(one: World, tmp_path: Path) -> None:
    """The recipe of the run that made the guesses says how it divided the clips; the manifest has other folds."""
    assert not one.manifest.clips["fold"].has_nulls()
    recipe = read_recipe("small", ("folds={kind: stratified, n_folds: 2}",))
    run = RunFolder(tmp_path / "run")
    run.claim("abc", recipe.model_dump(mode="json"), {"fold": 0})
    split = Stratified(n_folds=2).split(one.manifest)
    noisy, curated = one.guesses[0].parts
    held = curated.aligned([name for name in curated.ids if split[name] == 0], curated.classes)
    held = replace(held, folds=np.zeros(len(held), np.int64))
    guesses = (replace(one.guesses[0], parts=(noisy, held)),)
    apart = {name for name, fold in one.manifest.clips.select("id", "fold").iter_rows() if split[name] != fold}
    assert apart.intersection(held.ids), "else there is nothing to see"
    material = Material(guesses, (), (), (run,))
    assert clean(read_settings("scoring"), one.manifest, material, tmp_path / "out", Silent())
    made = read_manifest(tmp_path / "out").where(part="train", origin="curated")
    assert dict(made.clips.select("id", "fold").iter_rows()) == {name: split[name] for name in made.ids}
    with pytest.raises(DataError, match="but was held out as fold 0; use predictions"):
        clean(read_settings("scoring"), one.manifest, replace(material, runs=()), tmp_path / "other", Silent())


def test_each_model_may_have_a_manifest_of_its_own(one: World, material: Material, tmp_path: Path) -> None:
    out = tmp_path / "out"
    clean(read_settings("scoring", ["k=30", "share_noisy=false"]), one.manifest, material, out, Silent())
    own = [set(read_manifest(out / f"fold-{fold}").where(origin="noisy").ids) for fold in range(3)]
    assert sum(map(len, own)) == 30 and len(set.union(*own)) == 30
    assert set.union(*own) == set(read_manifest(out).where(origin="noisy").ids)


def test_clips_in_quarantine_are_passed_over(one: World, material: Material, tmp_path: Path) -> None:
    part = material.guesses[0].parts[0]
    bad = next(name for name in part.ids if name.startswith("n"))
    left = part.aligned([name for name in part.ids if name != bad])
    told = replace(left, provenance={**part.provenance, "without": [bad]})
    show = Told()
    guesses = (replace(material.guesses[0], parts=(told,)),)
    found = clean(read_settings("scoring"), one.manifest, replace(material, guesses=guesses), tmp_path / "out", show)
    assert found is not None and bad not in found.table["clip"].to_list()
    assert "1 clips are in quarantine and were not judged" in show.lines


def test_changes_are_of_the_rule_or_of_cleaning() -> None:
    found = read_settings("scoring", ["k=7", "rule.per_class=2", "emptied=noisy", "calibration.method=isotonic"])
    assert found.rule.model_dump()["k"] == 7 and found.rule.model_dump()["per_class"] == 2
    assert found.emptied == "noisy" and found.calibration.method == "isotonic"
    with pytest.raises(SettingsError, match="no rule of kind 'scorin'; did you mean 'scoring'"):
        read_settings("scorin")
    with pytest.raises(SettingsError, match=r"rule\.kk: no such setting"):
        read_settings("scoring", ["kk=1"])


def test_a_folder_without_guesses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        gather([tmp_path], [])
    with pytest.raises(DataError, match="holds no embeddings"):
        gather([], [tmp_path])
