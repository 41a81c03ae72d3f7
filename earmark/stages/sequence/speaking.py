"""Who speaks for a training, how they hear, and what the mean of several is one of."""

import json
from abc import ABC
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from earmark.core.errors import SettingsError
from earmark.core.settings import Settings
from earmark.inference.hearings.hearing import Hearing

if TYPE_CHECKING:
    from earmark.stages.recipe import Recipe


class Speaking(Settings, ABC):
    """What is common to all that models are asked."""

    snapshots: bool = False
    """Whether the snapshots of each run speak instead of its last weights."""
    cycles: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] | None = None
    """The cycles of the learning rate, counted from 1, whose snapshots speak; null: all, if any do."""
    hearing: Hearing | None = None
    """How clips are heard; null: as the recipe says."""
    softmax: bool = False
    """Whether the classes of a clip share one probability, as for networks that were trained on a softmax."""
    mean: Literal["logit", "probability"] = "logit"
    """What the mean over several runs and snapshots is one of."""

    def must_fit(self, asking: str, name: str, recipe: "Recipe") -> None:
        """Refuse snapshots that the training keeps none of.

        Args:
            asking: the stage that asks.
            name: the training's.

        Raises:
            SettingsError: with what to do.
        """
        if not (self.snapshots or self.cycles):
            return
        training = recipe.training
        if not training.keeps_snapshots:
            raise SettingsError(
                f"stage '{asking}' asks the snapshots of stage '{name}', which keeps none; set training.snapshots: "
                "true there, or let its last weights speak"
            )
        for number in self.cycles or ():
            end = training.schedule.cycle_end(number)
            if end is None or end >= training.epochs + 1:
                raise SettingsError(
                    f"stage '{asking}' asks for cycle {number} of stage '{name}', whose schedule "
                    f"('{training.schedule.kind}') has no such cycle in {training.epochs} epochs; name cycles that end"
                )

    def asked(self, recipe: "Recipe") -> dict[str, Any]:
        """The arguments of `earmark.stages.predict.guess` that say it."""
        ends = [recipe.training.schedule.cycle_end(number) for number in self.cycles or ()]
        hearing = None if self.hearing is None else self.hearing.model_dump(mode="json")
        return {
            "snapshots": [end for end in ends if end is not None] or self.snapshots,
            "changes": () if hearing is None else (f"inference.hearing={json.dumps(hearing)}",),
            "softmax": self.softmax,
            "link": self.mean,
        }
