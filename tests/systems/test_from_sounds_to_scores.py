"""Systems on a handful of sounds: they run from sounds to scores, and then have nothing left to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from earmark.data.folds.stratified import Stratified
from earmark.data.tables import read_manifest, read_predictions
from earmark.demo.dataset import DemoSettings, generate
from earmark.ensemble.blends.net import Net
from earmark.stages.budget import Budget
from earmark.stages.sequence.blending import Blending
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.cleaning import Cleaning
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan
from earmark.stages.sequence.predicting import Predicting
from earmark.stages.sequence.training import Training
from earmark.systems.akiyama_sato import AkiyamaSato
from earmark.systems.argus import Argus
from earmark.systems.challenge_baseline import ChallengeBaseline
from earmark.systems.ex4sperans import Ex4sperans
from earmark.systems.rftexas import Rftexas
from earmark.systems.schoneveld import Schoneveld
from earmark.systems.system import System
from earmark.systems.upb import UPB

SMALL, LEAST = 0.01, 0.0002
ASKED: dict[str, tuple[System, str, float]] = {
    "akiyama_sato": (AkiyamaSato(submission=2), "0", SMALL),
    "akiyama_sato, guesses that leak": (AkiyamaSato(models=(2,), guesses="all_folds"), "each", SMALL),
    "akiyama_sato, on all clips": (AkiyamaSato(models=(4,)), "none", SMALL),
    "argus": (
        Argus(noisy=(0.33,), corrected=(0.42,), clips=8000, stack=Net(n_nets=1, epochs=2, hidden=8), stacks=2),
        "each",
        LEAST,
    ),
    "challenge_baseline": (ChallengeBaseline(), "each", SMALL),
    "ex4sperans": (Ex4sperans(clips=(8000,), legacy=True), "0", LEAST),
    "rftexas": (Rftexas(), "each", LEAST),
    "schoneveld": (Schoneveld(), "each", SMALL),
    "schoneveld, mean_teacher": (Schoneveld(unlabelled="mean_teacher", legacy=True), "0", SMALL),
    "schoneveld, mixmatch": (Schoneveld(unlabelled="mixmatch"), "0", SMALL),
    "schoneveld, pseudo_labels": (Schoneveld(unlabelled="pseudo_labels"), "0", SMALL),
    "schoneveld, vat": (Schoneveld(unlabelled="vat"), "0", SMALL),
    "upb": (UPB(repeats=(3, 5), relabelled=UPB().relabelled[:1]), "none", LEAST),
}
"""Each in few stages, the fold that it holds out, and its share of epochs."""


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("systems") / "sounds"
    generate(folder, DemoSettings(size=0.05, longest_s=2.0), workers=1)
    (folder / "meta.csv").unlink()  # it says which clips were recorded together: too many for so few
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(ASKED))
def test_it_runs_from_sounds_to_scores_and_then_has_nothing_left_to_do(kind: str, sounds: Path, tmp_path: Path) -> None:
    system, fold, share = ASKED[kind]
    budget = Budget(epochs=share, widths=0.06, seconds=0.3)

    def planned(changes: Sequence[str] = ()) -> Plan:
        ground = Ground(sounds, store=tmp_path / "store", folds=Stratified(n_folds=2), device="cpu")
        plan = Plan(ground, fold=fold, seed=1, budget=budget, changes=changes)
        system.outline(plan)
        return plan

    trained = [stage for stage in planned().stages if isinstance(stage, Training)]
    small = [f"{stage.name}.streams.{name}.batch_size=8" for stage in trained for name in stage.recipe.streams]
    plan, out = planned(small), tmp_path / "out"
    rows = carry_out(plan, out)
    assert {row["state"] for row in rows} == {"finished"}
    for stage, row in zip(plan.stages, rows, strict=True):
        if isinstance(stage, Cleaning):
            assert read_manifest(out / row["folder"]).where(part="train", origin="noisy").ids
        if isinstance(stage, Training | Predicting | Blending):
            assert row["scores"] and all(score["lwlrap"]["value"] > 0 for score in row["scores"])
            folds = {"each": {0, 1}, "none": None}.get(stage.fold, {0})
            held_out = out / row["folder"] / "predictions" / "held_out.parquet"
            assert (None if folds is None else set(read_predictions(held_out).folds.tolist())) == folds
            assert held_out.is_file() == (folds is not None)
    assert isinstance(plan.stages[-1], Training | Blending)
    if kind.endswith("guesses that leak"):
        run = out / next(row["folder"] for row in rows if row["stage"] == "model2") / "fold-1" / "run.json"
        assert "so its score is too good" in " ".join(json.loads(run.read_text())["notes"])
    stamps = {place: place.stat().st_mtime_ns for place in out.glob("*/**/*.safetensors")}
    assert carry_out(planned(small), out) == rows
    assert stamps == {place: place.stat().st_mtime_ns for place in out.glob("*/**/*.safetensors")}
