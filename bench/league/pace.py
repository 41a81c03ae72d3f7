"""Equal time: from the seconds that an epoch takes to the share of its epochs for which a line trains.

The pace of each training of a line is measured once, by the line itself with a few epochs, on one fold, in a folder
that is thrown away; only epochs count, not starting and predicting. The line then trains for that share of all its
epochs whose time is nearest to its budget from below: what a stage gets of the time follows from the epochs that its
source gave it. The share is kept, so that what a line learns depends on it alone and no longer on what else the machine
does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from earmark.stages.finished_runs import runs_in

_HALVINGS = 50


def seconds_at(share: float, epochs: Mapping[str, int], s_an_epoch: Mapping[str, float]) -> float:
    """What the trainings of a line take for this share of their epochs; each has whole epochs, and one at least."""
    return math.fsum(max(1, round(n * share)) * s_an_epoch[name] for name, n in epochs.items())


def share_within(
    budget_s: float, epochs: Mapping[str, int], s_an_epoch: Mapping[str, float], most: float = 1.0
) -> float:
    """The largest share of its epochs for which a line keeps to its budget.

    Args:
        budget_s: seconds for all trainings of a fold together.
        epochs: of each training at full length.
        s_an_epoch: of each training.
        most: the largest share that may come out.

    Returns:
        The share, cut to six significant digits. Where even one epoch of each training takes longer than the budget,
        that of one epoch each.

    >>> share_within(50, {"first": 100, "second": 50}, {"first": 1.0, "second": 2.0})
    0.25
    """
    if seconds_at(most, epochs, s_an_epoch) <= budget_s:
        return most
    low, high = 1 / (2 * max(epochs.values())), most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if seconds_at(middle, epochs, s_an_epoch) <= budget_s:
            low = middle
        else:
            high = middle
    # The edge of a rounding is met from below, 0.2499999: a share that reads as people write it is as good.
    near = float(f"{low:.6g}")
    if seconds_at(near, epochs, s_an_epoch) <= budget_s:
        return near
    digits: int = 5 - math.floor(math.log10(low))
    return math.floor(low * 10.0**digits) / 10.0**digits


def paces(stages: Iterable[Mapping[str, Any]], out: Path, names: Iterable[str]) -> dict[str, float]:
    """Seconds of the fastest epoch of each of these trainings.

    Args:
        stages: of a line that was carried out, with their folders below ``out``.

    Raises:
        RunError: one of them is not finished.
    """
    places = {row["stage"]: out / row["folder"] for row in stages}
    logs = {name: [row for run in runs_in(places[name]) for row in run.log()] for name in names}
    return {name: min(float(row["seconds"]) for row in rows) for name, rows in logs.items()}
