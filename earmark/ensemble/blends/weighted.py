"""Weights that somebody gives."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import field_validator

from earmark.core.errors import SettingsError
from earmark.core.settings import nearest
from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.scales import Scale
from earmark.ensemble.weights import weighted

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class GivenWeights(Blend, kind="weighted"):
    """A weighted mean with weights that are given by name, for example those that a search learnt before."""

    weights: dict[str, float]
    """A weight for each member by its name; only how they compare counts. Members left out by pruning need none."""
    scale: Scale = "probability"
    """What is averaged."""

    @field_validator("weights")
    @classmethod
    def _mean_something(cls, weights: dict[str, float]) -> dict[str, float]:
        if any(weight < 0 for weight in weights.values()) or not sum(weights.values()) > 0:
            raise ValueError(f"weights must not be negative, and one must be positive, got {weights}")
        return weights

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        for name in members.names:
            if name not in self.weights:
                raise SettingsError(f"member '{name}' has no weight; {nearest(name, self.weights)}")
        for name in self.weights:
            if self.prune is None and name not in members.names:
                raise SettingsError(
                    f"there is a weight for '{name}', but no such member; {nearest(name, members.names)}"
                )
        given = np.array([self.weights[name] for name in members.names])
        if not given.sum() > 0:
            raise SettingsError(f"the members {', '.join(members.names)} all weigh 0; give one of them a weight")
        return weighted(members, given, self.scale)
