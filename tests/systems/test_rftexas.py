"""The outline of rftexas: three models of one net, and the mean of those that differ."""

from __future__ import annotations

from earmark.ensemble.correlation import Pruning
from earmark.objectives.sharpening.hard import Hard
from earmark.systems.rftexas import Rftexas
from tests.contracts.test_systems import plan_of


def test_three_models_of_one_net_become_one() -> None:
    plan = plan_of(Rftexas(prune=Pruning(above=0.9)), "each")
    baseline, noisy, transfer, guesses, pseudo, together = plan.stages
    assert [stage.name for stage in together.reads] == ["baseline", "transfer", "pseudo-labels"]
    assert together.settings.blend.kind == "arithmetic" and together.settings.blend.prune.above == 0.9
    assert transfer.start is noisy and noisy.recipe.streams["clips"].origins == {"noisy": 1}
    assert guesses.by is baseline and guesses.settings.of == "noisy"
    assert {stage.recipe.model.encoder.kind for stage in (baseline, noisy, transfer, pseudo)} == {"resnet"}
    assert baseline.recipe.streams == transfer.recipe.streams, "both end on curated clips"


def test_a_fold_learns_guesses_of_the_baseline_that_held_it_out_and_no_noisy_label() -> None:
    for system, kind in ((Rftexas(), None), (Rftexas(sharpening=Hard(threshold=0.3)), "hard")):
        pseudo = plan_of(system, "each").stages[4]
        (table,) = pseudo.tables.values()
        term = pseudo.recipe.objective["labels"].term
        assert table.own and not term.guesses.leak
        assert list(pseudo.recipe.objective) == ["labels"] and term.origins == ("noisy",) and term.loss.kind == "bce"
        assert (None if term.sharpening is None else term.sharpening.kind) == kind
        assert pseudo.recipe.streams["clips"].origins == {"curated": 1, "noisy": 1}
        assert pseudo.recipe.streams["clips"].sampling == "once"


def test_mixing_and_use_are_those_of_the_article() -> None:
    recipe = plan_of(Rftexas(), "1").stages[0].recipe
    mixing = recipe.view[-1]
    assert (mixing.p, mixing.share.alpha, mixing.share.larger, mixing.labels) == (1, 0.4, True, "linear")
    assert recipe.inference.hearing.kind == "corners" and recipe.inference.hearing.beta == 0.4
