"""The weights of the two submissions of Akiyama and Sato."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from earmark.core.errors import SettingsError
from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.weights import weighted

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class AkiyamaSato(Blend, kind="akiyama_sato"):
    """The mean of the chances of six models, weighted 3:4:3:1:1:1, after O. Akiyama and J. Sato (2019).

    Models 1 to 3 are residual nets on log-mel pictures, 4 to 6 hear waves. A member is the mean over its folds,
    snapshots and paddings. Fewer than six models keep their weights.
    """

    models: tuple[str, ...] = Field(
        ("model1", "model2", "model3", "model4", "model5", "model6"), min_length=6, max_length=6
    )
    """The names of the members, in the authors' order."""
    legacy: bool = False
    """Whether the first two weights are swapped (4:3:3:1:1:1), as in the code that was run; the report has them the
    other way."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        given = (4, 3, 3, 1, 1, 1) if self.legacy else (3, 4, 3, 1, 1, 1)
        by_name = dict(zip(self.models, given, strict=True))
        for name in members.names:
            if name not in by_name:
                raise SettingsError(
                    f"member '{name}' is none of the six models {', '.join(self.models)}; give it one of these names "
                    "(model1=path), or say which is which by models=[...]"
                )
        return weighted(members, np.array([by_name[name] for name in members.names], dtype=np.float64), "probability")
