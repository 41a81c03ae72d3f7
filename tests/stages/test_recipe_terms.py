"""Recipes that learn from hearsay: parts that fit one another, parts that do not, and where they begin."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from earmark.core.chance import Chance
from earmark.core.errors import DataError, SettingsError
from earmark.core.settings import read
from earmark.core.yaml_text import dump, parse
from earmark.objectives.objective import Step
from earmark.stages.beginning import begin, contents
from earmark.stages.recipe import Recipe
from earmark.stages.report import _notes
from earmark.training.devices import fabric_for
from earmark.training.learner import Learner
from earmark.training.settings import TrainingSettings
from tests.some_terms import CLASSES, guesses
from tests.tiny import clips_of

TINY = """
pack: {rate_hz: 8000}
view:
  - {kind: log_mel, mel: {n_fft: 256, hop_samples: 80, n_mels: 16, fmin_hz: 50}}
  - {kind: mixup, p: 0.5}
  - {kind: frequency_mask, p: 1.0, narrowest_bands: 4}
model:
  encoder: {kind: skip_cnn, widths: [4, 6]}
  heads: {main: {kind: mean_max, hidden: 8}, noisy: {kind: mean_max, hidden: 8}}
streams:
  curated: {batch_size: 3, crop: {length_s: 0.5}}
  noisy: {origins: {noisy: 1}, batch_size: 3, crop: {length_s: 0.5}}
"""
MULTITASK = """
objective:
  curated: {streams: [curated]}
  noisy: {streams: [noisy], term: {kind: supervised, head: noisy, loss: {kind: bce, double_sigmoid: true}}}
"""
CLIPS = clips_of((4000,) * 12, origins=[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return fabric_for(TrainingSettings(device="cpu", precision="float32"))


def recipe_of(objective: str) -> Recipe:
    return read(Recipe, parse(TINY + objective), what="recipe")


def part(term: str, streams: str = "[noisy]", rest: str = "") -> str:
    """The multitask objective with a part besides."""
    return f"{MULTITASK}  it: {{streams: {streams}, term: {term}{rest}}}\n"


def begun(recipe: Recipe, fabric: Fabric, fold: int | None = 0):
    return begin(recipe, CLASSES, CLIPS, "run", fabric, None, fold)


def test_the_published_multitask_recipe_is_a_few_lines(fabric):
    """One encoder, a head for each origin, both losses 1 to 1, the noisy one a double sigmoid as executed (Akiyama and
    Sato, 2019)."""
    start = begun(recipe_of(MULTITASK), fabric)
    step = Step({name: stream.batch(0) for name, stream in start.streams.items()}, Chance(0), 0.0)
    assert [set(batch.origins.tolist()) for batch in step.batches.values()] == [{0}, {1}]
    losses = start.objective.train()(step)
    torch.testing.assert_close(losses.total, losses.parts.sum())
    losses.total.backward()
    assert all(p.grad is not None for p in start.objective.network.parameters())
    faint = [p.grad.norm() for p in start.objective.network.heads["noisy"].parameters()]
    assert float(torch.stack(faint).max()) > 0


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (part("consistency", "[nosy]"), r"objective\.it asks for stream 'nosy'; did you mean 'noisy'\?"),
        (part("{kind: mean_teacher, head: nois}"), r"objective\.it asks for head 'nois'; did you mean 'noisy'\?"),
        (
            part("mixmatch"),
            r"objective\.it has term 'mixmatch', which needs a labelled stream and one whose labels it does not look "
            r"at, but only stream 'noisy' is given",
        ),
        (
            part("{kind: fixmatch, loss: hinge}"),
            r"objective\.it has loss 'hinge'.*view\.1 \(mixup\) mixes them by shares",
        ),
        (part("{kind: pseudo_labels}"), "guesses: is required"),
        (
            part("consistency") + "\ntraining: {statistics_from: [curatd]}",
            r"training\.statistics_from names stream 'curatd'; did you mean 'curated'\?",
        ),
        (part("{kind: mean_techer}"), "did you mean 'mean_teacher'"),
        (
            part("{kind: co_teaching, origins: [noisy, unlabelled]}", "[curated, noisy]"),
            r"objective\.it\.term\.origins names unlabelled clips, but stream 'curated' takes curated and stream "
            r"'noisy' takes noisy clips alone; name a stream with unlabelled clips in objective\.it\.streams",
        ),
        (
            part("{kind: supervised, origins: [noisy]}", "[curated]"),
            r"objective\.it\.term\.origins names noisy clips, but stream 'curated' takes curated clips alone",
        ),
        (
            part("{kind: pseudo_labels, origins: [curated], guesses: {file: it.parquet}}"),
            r"objective\.it\.term\.origins names curated clips, but stream 'noisy'",
        ),
        (
            part("{kind: supervised, missing: {origins: [noisy]}}", "[curated]"),
            r"objective\.it\.term\.missing\.origins names noisy clips, but stream 'curated'",
        ),
        (
            part("{kind: supervised, outliers: {}}", "[curated]"),
            r"objective\.it\.term\.outliers\.origins names noisy clips, but stream 'curated'",
        ),
        (part("mixmatch", "[curated, curated]"), r"objective\.it\.streams: stream 'curated' is named twice"),
        (part("supervised", "[noisy, curated, noisy]"), r"objective\.it\.streams: stream 'noisy' is named twice"),
        (
            part("{kind: mixmatch, guessed_loss: arcface}", "[curated, noisy]"),
            r"objective\.it has loss 'arcface', which wants 30 times the cosine of an angle, but head 'main'",
        ),
        (
            part("{kind: mixmatch, loss: arcface}", "[curated, noisy]"),
            r"objective\.it has loss 'arcface', which wants 30 times the cosine of an angle, but head 'main'",
        ),
    ],
)
def test_parts_that_cannot_work_are_refused_with_the_two_that_do_not_fit(objective, words):
    with pytest.raises(SettingsError, match=words):
        recipe_of(objective)


@pytest.mark.parametrize(
    ("term", "streams"),
    [
        ("consistency", "[curated, noisy]"),
        ("{kind: mixmatch, sharpening: top_k}", "[curated, noisy]"),
        ("{kind: refurbish, loss: lq}", "[noisy]"),
        ("{kind: fixmatch, per_class: {b: 0.4}, adaptive: {}}", "[noisy]"),
        ("{kind: co_teaching, origins: [noisy]}", "[curated, noisy]"),
        ("{kind: supervised, missing: {share: 0.05}}", "[noisy]"),
        ("{kind: cpc, steps: 3}", "[curated, noisy]"),
        ("{kind: apc, frames: 3}", "[noisy]"),
    ],
)
def test_what_is_written_in_a_recipe_is_at_work(term, streams, fabric):
    recipe = recipe_of(part(term, streams, ", weight: 0.5, ramp_epochs: 2"))
    assert read(Recipe, parse(dump(recipe.model_dump(mode="json")))) == recipe
    start = begun(recipe, fabric)
    learner = Learner(start.objective, recipe.training.optimizer, None)
    step = Step({name: stream.batch(0) for name, stream in start.streams.items()}, Chance(0), 1.5)
    losses = start.objective.train()(step)
    assert bool(losses.parts.isfinite().all()) and set(losses.signs) == {"it"}
    learner.load(*learner.state())


def test_a_fault_in_the_guesses_is_found_before_the_first_step(tmp_path: Path, fabric):
    path = guesses(tmp_path / "fold-0.parquet", fold=0)
    recipe = recipe_of(part(f"{{kind: pseudo_labels, guesses: {{file: '{tmp_path}/fold-{{fold}}.parquet'}}}}"))
    start = begun(recipe, fabric, fold=0)
    assert start.objective.notes == ()
    name = contents(recipe, 0)
    guesses(path, fold=0, scores=torch.zeros(12, 3).numpy())
    assert len(name) == 1 and contents(recipe, 0) != name, "other guesses make another run"
    with pytest.raises(DataError, match=r"fold-1\.parquet' cannot be read .*part of the objective needs it"):
        contents(recipe, 1)
    with pytest.raises(SettingsError, match="named by the fold that is held out, and none is"):
        begun(recipe, fabric, fold=None)
    words = r"objective\.it: loss 'bce' has a positive_weight for 2 classes, but the data have 3; give one number"
    for term in ("supervised", "fixmatch"):
        with pytest.raises(SettingsError, match=words):
            begun(recipe_of(part(f"{{kind: {term}, loss: {{kind: bce, positive_weight: [1, 2]}}}}")), fabric)
    begun(recipe_of(part("{kind: supervised, loss: {kind: bce, positive_weight: [1, 2, 3]}}")), fabric)
    with pytest.raises(SettingsError, match="fixmatch has a threshold for class 'x'"):
        begun(recipe_of(part("{kind: fixmatch, per_class: {x: 0.5}}")), fabric)


def test_a_leak_that_is_allowed_is_in_the_report(tmp_path: Path, fabric):
    path = guesses(tmp_path / "all.parquet", fold=-1)
    recipe = recipe_of(part(f"{{kind: pseudo_labels, guesses: {{file: '{path}'}}}}"))
    with pytest.raises(SettingsError, match=r"all\.parquet' are not out of fold 0.*stream 'noisy'"):
        begun(recipe, fabric)
    recipe = recipe_of(part(f"{{kind: pseudo_labels, guesses: {{file: '{path}', leak: true}}}}"))
    notes = begun(recipe, fabric).objective.notes
    assert notes == _notes(recipe, {"notes": list(notes)}, "held_out", ())
    assert notes[0].startswith("The guesses for 6 of 6 clips of stream 'noisy' come from models that may have learnt")


@pytest.mark.parametrize("term", ["cpc", "apc"])
def test_what_comes_is_not_foreseen_by_nets_that_have_heard_it(term):
    tiny = TINY.replace("{kind: skip_cnn, widths: [4, 6]}", "{kind: efficient, width: 0.1}")
    data = tiny + part(f"{{kind: {term}}}")
    with pytest.raises(SettingsError, match=rf"objective\.it: {term} predicts .* encoder 'efficient' hears the whole"):
        read(Recipe, parse(data), what="recipe")
    read(Recipe, parse(data.replace("model:", "model:\n  segments: {frames: 16}")), what="recipe")
    if term == "cpc":
        read(Recipe, parse(data.replace("{kind: cpc}", "{kind: cpc, overlap: true}")), what="recipe")


def test_crops_in_which_nothing_can_come_are_refused():
    short = TINY.replace("length_s: 0.5", "length_s: 0.19") + part("cpc")
    words = r"streams\.noisy\.crop\.length_s is 0\.19 s, but objective\.it \(term 'cpc'\) needs at least 0\.2 s"
    with pytest.raises(SettingsError, match=words):
        read(Recipe, parse(short))
    read(Recipe, parse(short.replace("0.19", "0.2")))


def test_a_head_is_taught_by_the_parts_that_ask_for_it():
    assert recipe_of(MULTITASK).taught and Recipe().taught
    alone = "objective: {it: {streams: [noisy, curated], term: cpc}}\n"
    tiny = TINY.replace(", noisy: {kind: mean_max, hidden: 8}", "")
    assert not read(Recipe, parse(tiny + alone)).taught
    by_hand = "objective: {it: {streams: [noisy, curated], term: cpc}, labels: {weight: 0}}\n"
    assert not read(Recipe, parse(tiny + by_hand)).taught, "a part without weight teaches nothing"
    with pytest.raises(SettingsError, match=r"early_stopping goes by a score, but no part .* head 'main'"):
        read(Recipe, parse(tiny + alone + "training: {early_stopping: {}}"))
