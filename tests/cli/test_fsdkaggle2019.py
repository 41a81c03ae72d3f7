"""FSDKaggle2019 as it lies on a disk: the real tables, with silence for the audio of a few dozen of their names.

The whole tables go through reader, folds, metric and submission; a few rows of them, with silent files under their
names, through the commands as somebody types them who has fetched everything.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from earmark.core.predictions import Predictions
from earmark.data.folds.stratified import Stratified
from earmark.data.sources.detection import detect
from earmark.data.sources.fsdkaggle2019 import KNOWN_BAD, FSDKaggle2019
from earmark.data.tables import read_predictions, write_predictions
from earmark.metrics import lwlrap
from earmark.stages.prepare import with_folds

TABLES = {"train_curated": "a", "train_noisy": "b", "test": "c"}
RATE_HZ = 44100
N_CLASSES = 4
TINY: dict[str, tuple[str, ...]] = {
    "three_stages": ("--budget", "epochs=0.005,widths=0.06,seconds=0.3", "-s", "per_class=1", "-s", "top=79"),
    # Two heads, guesses, pictures that are normalised one by one, and waves that are mixed by how loud they are.
    "akiyama_sato": ("--budget", "epochs=0.002,widths=0.06,seconds=0.3", "-s", "models=[2, 4]"),
}
"""Systems that run on silence, and what makes them short."""


@pytest.fixture(scope="module")
def whole(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that Zenodo's archives unpack to, without the audio."""
    root = tmp_path_factory.mktemp("zenodo")
    (root / "FSDKaggle2019.meta").mkdir()
    for name in (*(f"{table}_post_competition.csv" for table in TABLES), "vocabulary.csv"):
        shutil.copy(shared_data / "fsdkaggle2019_meta" / name, root / "FSDKaggle2019.meta" / name)
    return root


@pytest.fixture(scope="module")
def few(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folder with the rows of a few classes and a silent file for each."""
    root = tmp_path_factory.mktemp("few")
    (root / "FSDKaggle2019.meta").mkdir()
    shutil.copy(whole / "FSDKaggle2019.meta" / "vocabulary.csv", root / "FSDKaggle2019.meta")
    for table in TABLES:
        name = f"{table}_post_competition.csv"
        with (whole / "FSDKaggle2019.meta" / name).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        kept = _few_of_each(rows, 5)
        with (root / "FSDKaggle2019.meta" / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *kept])
        folder = root / f"FSDKaggle2019.audio_{table}"
        folder.mkdir()
        for number, row in enumerate(kept):
            soundfile.write(folder / row[0], np.zeros(RATE_HZ // 4 + 1000 * number, np.int16), RATE_HZ)
    return root


def _few_of_each(rows: list[list[str]], n: int) -> list[list[str]]:
    """The first rows of each of the first classes, in the order of the table; clips known to be bad are left out."""
    kept: list[list[str]] = []
    classes = sorted({row[1] for row in rows if "," not in row[1]})[:N_CLASSES]
    for name in classes:
        kept += [row for row in rows if row[1] == name and Path(row[0]).stem not in KNOWN_BAD][:n]
    return [row for row in rows if row in kept]


def test_the_whole_tables_go_from_reader_to_folds_metric_and_submission(
    earmark, whole: Path, shared_data: Path, tmp_path: Path
) -> None:
    source = detect(whole)
    assert source == FSDKaggle2019()
    manifest = with_folds(source.model_copy(update={"check_files": False}).read(whole), Stratified(), seed=1)
    curated = manifest.where(part="train", origin="curated").clips
    assert min(curated["fold"].value_counts()["count"].to_list()) >= 4964 // 5 - 5
    test = manifest.where(part="test")
    truth = test.targets()
    assert truth.values.shape == (4481, 80) and truth.known.all()
    assert lwlrap(truth.values, truth.values) == 1.0
    chance = np.random.default_rng(0).standard_normal(truth.values.shape)
    assert lwlrap(truth.values, chance, known=truth.known) == pytest.approx(0.07, abs=0.005), "as random scores have it"

    public = test.where(usage="Public").ids
    rows = [test.ids.index(name) for name in public]
    scores = Predictions(public, manifest.classes, chance[rows].astype(np.float32))
    write_predictions(scores, tmp_path / "public.parquet")
    sample = shared_data / "fsdkaggle2019_meta" / "sample_submission.csv"
    out = tmp_path / "submission.csv"
    assert earmark("submit", tmp_path / "public.parquet", "--sample", sample, "--out", out).code == 0
    written, wanted = pl.read_csv(out), pl.read_csv(sample)
    assert written.columns == wanted.columns and written["fname"].to_list() == wanted["fname"].to_list()
    write_predictions(Predictions(test.ids, manifest.classes, chance), tmp_path / "all.parquet")
    refused = earmark("submit", tmp_path / "all.parquet", "--sample", sample, "--out", out)
    assert refused.code == 3 and "3361 clips" in refused.err


def test_what_is_not_unpacked_yet_is_said(earmark, whole: Path, tmp_path: Path) -> None:
    for words in (("reproduce", "three_stages", "--plan"), ("pack", "three_stages")):
        said = earmark(*words, "--data", whole, "--store", tmp_path)
        assert said.code == 3 and "FSDKaggle2019.audio_train_curated" in said.err and "unpack them" in said.err


def test_every_system_that_there_is_plans_on_it_unchanged(earmark, few: Path) -> None:
    from earmark.systems.system import System

    for name in System.members():
        said = earmark("reproduce", name, "--data", few, "--plan")
        assert said.code == 0 and "train" in said.out, f"{name}: {said.err}"


@pytest.mark.slow
@pytest.mark.parametrize("system", TINY)
def test_a_system_runs_on_it_unchanged(system: str, earmark, few: Path, tmp_path: Path) -> None:
    """Silence teaches nothing, but it must hurt nobody: a clip without a signal has no deviation to divide by."""
    out, store = tmp_path / "out", tmp_path / "store"
    said = earmark("reproduce", system, "--data", few, "--out", out, "--store", store, "--fold", "0", *TINY[system])
    assert said.code == 0, said.err
    standing = json.loads((out / "sequence.json").read_text())
    assert {row["state"] for row in standing["stages"]} == {"finished"}
    tables = [read_predictions(place) for place in out.glob("*/**/held_out.parquet")]
    assert tables and all(np.isfinite(table.scores).all() for table in tables)
