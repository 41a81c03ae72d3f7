"""Falls when the training no longer gets better."""

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from earmark.schedules.schedule import Place, Warmed, watched_score


def _as_before(watch: object) -> object:
    """Recipes of earlier runs say ``held_out`` for a score."""
    return "score" if watch == "held_out" else watch


class Plateau(Warmed, kind="plateau"):
    """The rate is multiplied by ``factor`` when what it watches has not become better for a while.

    R. Baikulov's winning system (2019) watched the held-out score with a patience of 6 and a factor of 0.6. Whose score
    it is that chooses, ``training.watch`` says; the loss in training chooses nothing.
    """

    watch: Annotated[Literal["train_loss", "score"], BeforeValidator(_as_before)] = "train_loss"
    """The loss of the epochs in training, or a score, which needs a held-out fold."""
    patience_epochs: int = Field(6, ge=0)
    """Epochs in a row that may bring nothing better; after one more the rate falls, and the count begins anew."""
    factor: float = Field(0.6, gt=0, lt=1)
    """What remains after each fall."""
    least_gain: float = Field(1e-4, ge=0)
    """By which share of the best so far a value must be better than it to count."""
    floor: float = Field(0.0, ge=0, le=1)
    """The factor below which the rate does not fall."""

    @property
    def watches(self) -> Literal["train_loss", "score"]:
        return self.watch

    def law(self, place: Place) -> float:
        best, since, falls = math.inf, 0, 0
        for epoch, value in self._lower_is_better(place):
            if value < best - self.least_gain * abs(best) if math.isfinite(best) else value < best:
                best, since = value, epoch
            elif epoch - since > self.patience_epochs:
                since, falls = epoch, falls + 1
        return max(self.floor, self.factor**falls)

    def _lower_is_better(self, place: Place) -> Iterator[tuple[int, float]]:
        """What is watched after each epoch that has it, turned round where higher is better."""
        for row in place.history:
            value = row.get("total") if self.watch == "train_loss" else watched_score(row)
            if value is not None:
                yield row["epoch"], value if self.watch == "train_loss" else -value
