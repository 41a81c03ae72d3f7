"""The learning-rate range test: a short training whose rate rises step by step, to see where the loss falls.

From L. N. Smith (2017), in the manner of fast.ai (S. Gugger, 2018): the rate rises exponentially from the lowest to
the highest, the loss is smoothed, and the test stops where it has diverged. Nothing of the training is kept.
"""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from lightning_fabric import Fabric
from numpy.typing import NDArray
from pydantic import Field, model_validator

from earmark.core.errors import Diverged, RunError
from earmark.core.files import write_atomically
from earmark.core.manifest import Manifest
from earmark.core.settings import Settings
from earmark.data.store import Store
from earmark.reports.rates import RateTest, rates_figure
from earmark.schedules.schedule import Place, Schedule
from earmark.stages.beginning import begin
from earmark.stages.divide import divide, folds_aside
from earmark.stages.recipe import Recipe
from earmark.stages.show import Show
from earmark.stages.warm_start import find_weights
from earmark.training.fit import fit
from earmark.training.learner import Learner

FEWEST_STEPS = 20
_DIVERGED = 4.0
"""How many times its least value the smoothed loss may reach."""
_NEIGHBOURS = 0.025
"""Width of the smoothing, as a share of all steps."""
_IGNORED = 0.1
"""The share of the steps at either end where no slope is trusted."""


class RangeTest(Settings):
    """Which learning rates to try, and in how many steps."""

    lowest: float = Field(1e-6, gt=0)
    """Learning rate of the first step."""
    highest: float = Field(1.0, gt=0)
    """Learning rate of the last step."""
    steps: int = Field(100, ge=FEWEST_STEPS)
    """Steps from one to the other, each with a batch of its own."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.lowest >= self.highest:
            raise ValueError(
                f"the learning rate must rise, but lowest is {self.lowest:g} and highest {self.highest:g}; swap them"
            )
        return self


class Sweep(Schedule, kind="sweep"):
    """Rises exponentially from ``lowest`` to ``highest`` over the whole training."""

    lowest: float
    highest: float

    def __call__(self, place: Place) -> float:
        return self.lowest * math.pow(self.highest / self.lowest, place.step / (place.n_steps - 1))


def find_lr(
    recipe: Recipe,
    manifest: Manifest,
    store: Store,
    show: Show,
    fabric: Fabric,
    sweep: RangeTest,
    fold: int | None = None,
) -> RateTest:
    """Sweep the learning rate over the first steps of a training.

    Args:
        recipe: as for a training; its own rate and schedule do not matter, and it keeps no average.
        manifest: with folds, where one is held out.
        fabric: launched.
        fold: left out of the sweep, and stands for ``{fold}`` in the files that the recipe names; none takes all clips.

    Raises:
        RunError: the loss diverged before there was anything to see.
        SettingsError, DataError: the recipe cannot be trained on these clips, or there is no such fold.
    """
    n_steps = sweep.steps
    origins = sorted({origin for stream in recipe.streams.values() for origin in stream.origins})
    warm = find_weights(recipe.model.start, fold)
    parts = divide(manifest, store, fold, origins, folds_aside(recipe, manifest, fold, choosing=False))
    start = begin(recipe, manifest.classes, parts.training, "", fabric, warm, fold, parts.held_out_name)
    start.fit_view()
    top = recipe.training.optimizer.top_lr
    each_step_an_epoch = {
        "epochs": n_steps,
        "steps_per_epoch": 1,
        "schedule": Sweep(lowest=sweep.lowest / top, highest=sweep.highest / top),
        "augment_epochs": None,
    }
    training = recipe.training.model_copy(update=each_step_an_epoch)
    learner = Learner(start.objective, training.optimizer, None)
    epochs = fit(fabric, learner, start.streams, training, start.chance)
    rates: list[float] = []
    losses: list[float] = []
    try:
        for _, epoch in zip(show.track(range(n_steps), n_steps, "find-lr"), epochs, strict=False):
            rates.append(epoch.lr)
            losses.append(epoch.losses["total"])
            if _has_diverged(losses, n_steps):
                break
    except Diverged:
        pass  # which is what the test is for
    if len(losses) < FEWEST_STEPS // 2:
        reached = (rates or [sweep.lowest])[-1]
        raise RunError(
            f"the loss diverged after {len(losses)} steps, at a learning rate of {reached:.1e}, before there was "
            "anything to see; begin lower (--lowest)"
        )
    return judged(np.array(rates), np.array(losses), n_steps)


def judged(rates: NDArray[np.float64], losses: NDArray[np.float64], n_steps: int) -> RateTest:
    """What a sweep suggests: the rate of the steepest descent, and a tenth of the rate of the least loss.

    Both are none where the loss never fell.

    Args:
        rates: rising exponentially, one a step.
        losses: one a step.
        n_steps: of the whole sweep, of which these are the first ones.
    """
    smooth = smoothed(losses, n_steps)
    least = int(np.argmin(smooth))
    edge = max(1, round(_IGNORED * len(smooth)))
    slopes = np.gradient(smooth, np.log(rates))[edge : least + 1]
    if not len(slopes) or slopes.min() >= 0:
        return RateTest(rates, losses, smooth, None, None)
    return RateTest(rates, losses, smooth, float(rates[edge + int(np.argmin(slopes))]), float(rates[least] / 10))


def smoothed(losses: NDArray[np.float64], n_steps: int) -> NDArray[np.float64]:
    """Each loss as a mean over its neighbours on both sides, so that nothing moves to higher rates."""
    width = max(1.0, _NEIGHBOURS * n_steps)
    places = np.arange(len(losses))
    weights = np.exp(-0.5 * ((places[:, None] - places[None, :]) / width) ** 2)
    return np.asarray(weights @ losses / weights.sum(axis=1))


def _has_diverged(losses: list[float], n_steps: int) -> bool:
    smooth = smoothed(np.array(losses), n_steps)
    return len(losses) > FEWEST_STEPS // 2 and smooth[-1] > _DIVERGED * smooth.min()


def write_test(test: RateTest, folder: Path) -> tuple[Path, Path]:
    """Write ``find_lr.csv``, one row a step, and ``find_lr.png``; the paths of both."""
    table = pl.DataFrame({"rate": test.rates, "loss": test.losses, "smoothed": test.smooth})
    paths = (folder / "find_lr.csv", folder / "find_lr.png")
    write_atomically(paths[0], table.write_csv)
    write_atomically(paths[1], partial(rates_figure(test).savefig, format="png"))
    return paths


def told(test: RateTest) -> Iterator[str]:
    """The test as lines: about four rates a decade with their smoothed losses, then what is suggested."""
    yield "    rate  loss"
    decades = np.log10(test.rates[-1] / test.rates[0])
    stride = max(1, round(len(test.rates) / max(1.0, 4 * decades)))
    for rate, loss in zip(test.rates[::stride], test.smooth[::stride], strict=True):
        yield f"{rate:8.1e}  {loss:.4f}"
    if test.steepest is None or test.tenth is None:
        yield "the loss never fell, so no rate is suggested; sweep over other rates, or more steps"
    else:
        yield f"steepest descent at {test.steepest:.1e}; a tenth of the rate with the least loss is {test.tenth:.1e}"
