"""The page of the sources' items: what comes of its lines is what the sources have.

Only of lines that could be read and still not give what their item says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from earmark.schedules.schedule import Place
from earmark.stages.recipe import Recipe
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan
from tests.coverage_page import ROWS, ground_in, resolve


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return ground_in(tmp_path_factory.mktemp("coverage"))


def rates(recipe: Recipe, *steps: int) -> list[float]:
    """The learning rates after so many steps of a hundred an epoch."""
    training = recipe.training
    places = [Place(step, 100, training.epochs) for step in steps]
    return [training.optimizer.top_lr * training.schedule(place) for place in places]


def stages(plan: Plan, what: str) -> list[Any]:
    """The stages of a plan that do one thing."""
    return [stage for stage in plan.stages if stage.kind == what]


def heard(*plans: Plan) -> list[dict[str, Any]]:
    """How many snapshots of each model speak, and with how much around the clip: columns, or samples of waves."""
    said = []
    for plan in plans:
        found = {}
        for stage in stages(plan, "predict"):
            asked, step = stage.settings, 347 if int(stage.name[5]) <= 3 else 1
            assert asked.hearing.fill == ("floor" if step > 1 else "silence")
            found[stage.name[5]] = (list(asked.cycles), columns(asked.hearing, step))
        said.append(found)
    return said


def columns(hearing: Any, step: int) -> list[int]:
    """Amounts of padding in so many samples."""
    return [round(pad * 44_100 / step, -2 if step == 1 else 0) for pad in hearing.pads_s]


def losses(recipe: Recipe) -> list[tuple[str, str | None]]:
    """The loss of each part, and what it is over the classes where that can be chosen."""
    return [(part.term.loss.kind, getattr(part.term.loss, "reduction", None)) for part in recipe.objective.values()]


def kept_for_best(training: Any) -> list[Any]:
    """Who chooses the weights that are kept, of how many epochs each is scored, and whether any may stop it."""
    return [training.watch, training.score_epochs, training.early_stopping.patience_epochs >= training.epochs]


_PICTURES, _WAVES = [8, 32], [8_000, 32_000]
_TABLE = {"1": (8, _PICTURES), "2": (7, _PICTURES), "3": (6, _PICTURES), "4": (3, _WAVES), "5": (5, _WAVES)}
_HEARD = {name: (list(range(1, last + 1)), pads) for name, (last, pads) in _TABLE.items()}
_HEARD["6"] = (list(range(5, 11)), _WAVES)
_EFFECTS = [("reverb", 1), ("pitch", 1), ("overdrive", 1), ("tempo", 1)]

GIVES: dict[str, tuple[Callable[..., Any], Any]] = {
    "S0-02": (
        lambda net: [
            (net.model.encoder.skip, net.view[2].p, losses(net)[0][0]),
            (net.streams["curated"].crop.length_s, net.inference.hearing.kind, net.inference.hearing.n),
        ],
        [(False, 0, "bce"), (2.0, "crops", 5)],
    ),
    "S0-04": (lambda net: rates(net, 0, 500, 1000, 1500, 2000), pytest.approx([3e-3, 1.505e-3, 1e-5, 1.505e-3, 3e-3])),
    "S0-06": (
        lambda plan, net: [
            (made.objective["labels"].term.loss.kind, made.view[2].labels, made.objective["labels"].term.loss.threshold)
            for made in (plan.stages[0].recipe, net)
        ],
        [("hinge", "union", None), ("hinge", "linear", 0.5)],
    ),
    "S1-12": (lambda *nets: [round(net.view[1].length_s * 44_100) for net in nets], [66_650, 133_300, 200_000]),
    "S1-16": (
        lambda pictures, waves: [
            [(head.hidden, head.dropout) for made in (pictures, waves) for head in made.model.heads.values()],
            losses(waves),
        ],
        [[((1024, 1024), (0.2, 0.1))] * 4, [("softmax_kl", "mean")] * 2],
    ),
    "S1-17": (lambda net: rates(net, 0, 6399, 6400), pytest.approx([1e-3, 1e-6, 1e-3], abs=1e-8)),
    "S1-18": (
        lambda *nets: [
            ({each.batch_size for each in net.streams.values()}, {loss for loss, _ in losses(net)}, rates(net, 0, 8000))
            for net in nets
        ],
        [({16}, {"softmax_kl"}, [0.1, 0.1]), ({64}, {"bce"}, [0.1, 0.1])],
    ),
    "S1-25": (
        lambda plain, mixed, cycles, tasks, *plans: [
            [[step.p for step in net.view[2:5]] for net in (plain, mixed)],
            [net.training.schedule.period_epochs for net in (plain, mixed, cycles, tasks)],
            [(list(net.model.heads), net.model.heads["main"].hidden) for net in (cycles, tasks)],
            kept_for_best(tasks.training),
            [stages(plan, "train")[1].recipe.objective["guesses"].term.guesses.leak for plan in plans[:2]],
        ],
        [
            [[0, 0, 0], [0.5, 0.5, 0.5]],
            [512, 512, 64, 64],
            [(["main"], (1024, 1024)), (["main", "noisy"], (1024, 1024))],
            ["held_out", 1, True],
            [True, False],
        ],
    ),
    "S1-26": (
        lambda pictures, waves, _, *plans: [
            columns(pictures.inference.hearing, 347),
            columns(waves.inference.hearing, 1),
            (pictures.inference.hearing.fill, waves.inference.hearing.fill),
            *heard(*plans),
        ],
        [_PICTURES, _WAVES, ("floor", "silence"), *({n: _HEARD[n] for n in models} for models in ("13", "123", "456"))],
    ),
    "S2-07": (lambda net, *_: (net.view[1].partner.stream, net.view[1].mode), ("partners", "add")),
    "S2-08": (
        lambda net, small, _: [
            [(step.kind, step.p) for step in each] for each in (net.view[2].steps, small.view[0].steps)
        ],
        [_EFFECTS, _EFFECTS],
    ),
    "S2-10": (
        lambda net: [{each.crop.longest_s for each in net.streams.values()}, net.inference.hearing.kind],
        [{12.0}, "whole"],
    ),
    "S2-12": (
        lambda plan: [(stage.settings.rule.kind, stage.settings.rule.k) for stage in stages(plan, "clean")],
        [*(("scoring", k) for k in (2, 4, 6, 8, 10)), ("select_and_predict", 10)],  # 40 noisy clips, not 19,815
    ),
    "S2-14": (
        lambda plan, asked: (len(plan.stages[-1].members), plan.stages[-1].settings.blend.kind, asked.blend.kind),
        (11, "arithmetic", "arithmetic"),
    ),
    "S2-20": (
        lambda basic, larger, noisy, plan: [
            [(net.training.epochs, net.training.snapshot_epochs) for net in (basic, larger, noisy)],
            basic.training.log_steps,
            [stage.settings.rule.share_noisy for stage in stages(plan, "clean")],
        ],
        [[(20, 20), (100, 20), (150, 20)], 10, [False]],
    ),
    "S3-09": (lambda net: (net.streams["clips"].sampling, net.objective["labels"].term.origins), ("once", ("noisy",))),
    "S3-14": (
        lambda net: (net.streams["clips"].sampling, set(net.streams["clips"].origins)),
        ("once", {"curated", "noisy"}),
    ),
    "S4-05": (lambda net: [step.p for step in net.view[2:]], [0, 0]),
    "S4-07": (
        lambda plan, net: [
            rates(stages(plan, "train")[-1].recipe, 0, 400),
            rates(net, 0, 60_000, 120_000),
            [each.batch_size for each in net.streams.values()],
        ],
        [pytest.approx([3e-3, 3e-6]), pytest.approx([3e-3, 3e-6, 3e-3]), [4, 4]],  # 32 clips to learn from, not 3976
    ),
    "S4-09": (
        lambda plan: [kept_for_best(stage.recipe.training) for stage in stages(plan, "train")],
        [["next_fold", 1, True]] * 3,
    ),
}
"""What comes of the lines of an item, and what its source has there."""


@pytest.mark.parametrize("item", GIVES)
def test_a_line_gives_what_its_source_has(item: str, ground: Ground) -> None:
    given, wanted = GIVES[item]
    assert given(*(resolve(line, ground) for line in ROWS[item].lines)) == wanted
