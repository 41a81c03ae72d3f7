"""Recipes: those that come along are whole, sections fit one another, changes reach what they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from earmark.core.errors import SettingsError
from earmark.core.fingerprint import fingerprint
from earmark.core.settings import read
from earmark.core.yaml_text import dump, parse
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.mean_max import MeanMax
from earmark.models.network import ModelSettings
from earmark.schedules.cosine import CosineRestarts
from earmark.schedules.schedule import Place
from earmark.stages.recipe import Recipe, read_recipe, shipped_recipes, unusual


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_recipes_are_whole_and_survive_being_written_down(name: str) -> None:
    recipe = read_recipe(name)
    assert shipped_recipes()[name].startswith("# "), "the first line says what it is for"
    assert read(Recipe, parse(dump(recipe.model_dump(mode="json")))) == recipe
    assert recipe.model.build(recipe.spec, 3) is not None


def test_defaults_can_be_changed_though_the_file_does_not_name_them() -> None:
    changed = read_recipe("s0", ("objective.labels.term.loss.smoothing=0.1", "training.clip_norm=5"))
    part = changed.objective["labels"].term.model_dump()
    assert part["loss"]["smoothing"] == 0.1 and changed.training.clip_norm == 5


def test_another_kind_takes_the_settings_of_the_former_one_away() -> None:
    changed = read_recipe("s0", ("training.schedule.kind=cosine_restarts", "training.schedule.period_epochs=5"))
    assert changed.training.schedule == CosineRestarts(period_epochs=5, floor=1e-3)


def test_what_does_not_change_the_result_does_not_change_the_fingerprint() -> None:
    base = fingerprint(read_recipe("small"))
    assert (
        fingerprint(read_recipe("small", ("training.workers=7", "training.device=cpu", "inference.batch_s=9"))) == base
    )
    assert fingerprint(read_recipe("small", ("training.epochs=7",))) != base


def test_the_source_of_s0_is_kept_to() -> None:
    """The published values of the net, its front end and its schedule (blog and the kernel it builds on)."""
    recipe = read_recipe("s0")
    assert recipe.spec.n_bands == 128 and recipe.spec.rate_hz * 2.0 == pytest.approx(127, abs=1)
    head = recipe.model.heads["main"].model_dump()
    published = {"kind": "mean_max", "hidden": 128, "dropout": 0.2, "hidden_dropout": 0.1}
    assert head == {**published, "prior": None, "swapped": False}
    schedule, lr = recipe.training.schedule, recipe.training.optimizer.top_lr
    bottom, top = (schedule(Place(step=100 * epoch, steps_per_epoch=100, n_epochs=80)) for epoch in (10, 20))
    assert lr * bottom == pytest.approx(1e-5, rel=1e-3) and top == pytest.approx(1.0)


def test_differences_from_the_defaults_are_named() -> None:
    assert ("training.epochs", 40, 80) in unusual(read_recipe("s0"))


def test_a_part_and_its_streams_must_meet(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no part of the objective uses stream 'noisy'"):
        read_recipe("small", ("streams.noisy={origins: {noisy: 1}}",))


@pytest.mark.parametrize(
    ("changes", "streams"),
    [
        ((), ("curated",)),
        (("training.statistics_from=[noisy]",), ("noisy",)),
        (("training.statistics_from=all",), None),
        (("objective.labels.streams=[noisy]", "view.0.partner.stream=curated"), None),
    ],
    ids=["first", "named", "all", "the first one is a guest"],
)
def test_statistics_come_from_the_first_stream_that_is_learnt_from(
    changes: tuple[str, ...], streams: tuple[str, ...] | None
) -> None:
    noisy = ("streams.noisy={origins: {noisy: 1}}", "objective.more={streams: [noisy], term: {kind: consistency}}")
    assert read_recipe("small", [*noisy, *changes]).statistics_from == streams


def test_shares_of_labels_are_refused_for_losses_to_which_they_mean_nothing() -> None:
    hinge, mixup = "objective.labels.term.loss={kind: hinge}", "view.0={kind: mixup, p: 0.3, labels: linear}"
    with pytest.raises(
        SettingsError, match=r"loss 'hinge', which takes labels .* view\.0 \(mixup\) mixes them by shares"
    ):
        read_recipe("small", (hinge, mixup))
    with pytest.raises(SettingsError, match=r"view\.0 \(effects\) mixes them by shares"):
        read_recipe("small", (hinge, "view=[{kind: effects, steps: [mixup]}, log_mel]"))
    read_recipe("small", (hinge, mixup, "view.0.labels=union"))
    read_recipe(
        "small",
        (
            mixup,
            "objective.labels.term.loss={kind: hinge, threshold: 0.5}",
        ),
    )


DEEP = "model.heads.main={kind: pooled, taps: true, hidden: same, dropout: 0.5}"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            ("model.encoder=envnet_v2",),
            "encoder 'envnet_v2' takes wave, but the view gives features; leave the front end",
        ),
        (("view=[]",), "encoder 'quick_cnn' takes features, but the view gives wave; add a front end"),
        (("view.1.n_mels=12", "view.4.p=0", "view.4.most_parts=2"), "needs 15 bands, but the view gives 12"),
        (
            (DEEP,),
            "heads.main does not fit encoder 'quick_cnn': head 'pooled' looks at taps, but this encoder has none",
        ),
        (
            ("model.encoder={kind: aux_attention, width: 4}", "model.heads.main={kind: pooled, tap: 3}"),
            "heads.main does not fit encoder 'aux_attention': head 'pooled' looks at tap 3, but this encoder has 3",
        ),
        (("model.heads.noisy=mean_max",), "no part of the objective trains head 'noisy'"),
        (("model.segments={frames: 10}",), "segments have 10 frames, but encoder 'quick_cnn' needs at least 15"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_both_sides_named(changes: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        read_recipe("small", changes)


def test_the_shortest_crop_that_is_asked_for_is_long_enough() -> None:
    waves = ("view=[]", "model.encoder=envnet_v2")
    with pytest.raises(SettingsError, match="encoder 'envnet_v2' needs at least") as refused:
        read_recipe("small", (*waves, "streams.curated.crop.length_s=0.4"))
    words = str(refused.value).split("at least ")[1].split(" s ")[0]
    crop = read_recipe("small", (*waves, f"streams.curated.crop.length_s={words}")).streams["curated"].crop
    assert crop.least_samples(44100) >= 20_570 > round((float(words) - 1e-4) * 44100)


def test_the_study_of_bridges_starts_from_the_view_of_small() -> None:
    from bench.studies.bridging import _view

    assert read_recipe("small", (_view(),)).view == read_recipe("small").view


def test_the_default_net_is_the_one_that_was_measured_as_best() -> None:
    small = read_recipe("small").model
    assert ModelSettings() == small and Recipe().model == small
    assert SkipCNN().widths == (64, 128, 256, 512) and MeanMax().prior is None, "as published"


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_recipe_that_comes_along_says_what_its_net_is(name: str) -> None:
    """Defaults follow what is measured; a published system stays what it was."""
    model = parse(shipped_recipes()[name], what=name)["model"]
    encoder = model["encoder"]
    assert "main" in model["heads"]
    if isinstance(encoder, dict) and encoder["kind"] == "skip_cnn":
        assert "widths" in encoder
