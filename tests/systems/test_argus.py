"""The outline of argus: auxiliary classifiers, few but chosen noisy clips, stacking and a geometric mean."""

from __future__ import annotations

import pytest

from earmark.cleaning.rules.scoring import Scoring
from earmark.stages.sequence.training import Training
from earmark.systems.argus import Argus
from tests.contracts.test_systems import plan_of

N_NOISY = 20  # of the clips of ``plan_of``


def test_models_are_stacked_three_times_and_then_averaged_with_their_stacks() -> None:
    plan = plan_of(Argus(), "each")
    trained = [stage for stage in plan.stages if isinstance(stage, Training)]
    names = ["curated", "auxiliary-1", "auxiliary-2", "corrected-1", "corrected-2", "corrected-3"]
    assert [stage.name for stage in trained] == names
    *stacked, together = plan.stages[-4:]
    assert list(together.reads) == [*trained, *stacked], "each stack counts as much as a model"
    assert all(list(stage.reads) == trained for stage in stacked)
    assert [(stage.settings.blend.n_nets, stage.settings.blend.seed) for stage in stacked] == [(1, 0), (1, 1), (1, 2)]
    assert {stage.settings.blend.kind for stage in stacked} == {"net"}
    assert (together.settings.blend.kind, together.settings.blend.of) == ("geometric", "chances")


def test_noisy_clips_are_believed_softly_unless_they_were_chosen() -> None:
    plan = plan_of(Argus(), "each")
    stages = {stage.name: stage for stage in plan.stages}
    assert stages["choose"].settings.rule == Scoring(k=round(1745 * N_NOISY / 19815))
    assert plan_of(Argus(of=None), "each").stages[4].settings.rule.k == 1745
    assert stages["guess"].by is stages["curated"], "whom no noisy label has told anything"
    for name, share, loss in (("auxiliary-1", 0.33, "soft_bootstrap"), ("corrected-1", 0.42, "bce")):
        stage = stages[name]
        assert (stage.labels is None) == name.startswith("aux")
        sizes = {key: stream.batch_size for key, stream in stage.recipe.streams.items()}
        assert sum(sizes.values()) == 128 and sizes["noisy"] == pytest.approx(128 * share, abs=0.5)
        for head, weight in (("main", 1), ("aux3", 0.4), ("aux2", 0.2), ("aux1", 0.1)):
            for part, origin, kind in ((head, "curated", "bce"), (f"{head}-noisy", "noisy", loss)):
                made = stage.recipe.objective[part]
                assert made.joint and made.streams == ("curated", "noisy") and made.weight == weight
                assert (made.term.head, made.term.origins, made.term.loss.kind) == (head, (origin,), kind)
    soft = stages["auxiliary-1"].recipe.objective["main-noisy"].term.loss
    assert (soft.beta, soft.fixed) == (0.7, True)


def test_its_pictures_are_256_frames_of_three_channels() -> None:
    recipe = plan_of(Argus(), "1").stages[0].recipe
    assert (recipe.spec.n_channels, recipe.spec.n_bands) == (3, 128)
    samples = round(recipe.streams["curated"].crop.length_s * 44100)
    assert 1 + samples // 690 == 256
    assert recipe.inference.hearing.hop_s * 44100 == pytest.approx(64 * 690, abs=2)
    clips = recipe.training.epochs * 4970
    assert clips == pytest.approx(700 * 32768, rel=0.01), "as many clips as the source's limit"


def test_the_held_out_fold_is_watched_only_when_asked_for() -> None:
    for watching in (False, True):
        for stage in plan_of(Argus(watch_held_out=watching), "1").stages:
            if isinstance(stage, Training):
                assert bool(stage.recipe.training.chosen_by_held_out) == watching, stage.name
