"""The geometric mean of chances, or of odds."""

from typing import TYPE_CHECKING, Literal

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.weights import equal

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Geometric(Blend, kind="geometric"):
    """The geometric mean of the members' chances or odds, all counting the same, given as log-odds.

    A member that is sure against a class has its way with chances, one that is sure either way with odds. R. Baikulov
    (2019) takes the geometric mean of chances over folds and over models.
    """

    of: Literal["odds", "chances"] = "odds"
    """odds: the mean of log-odds, which is what a network gives; chances: the geometric mean of probabilities."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        return equal(members, "logit" if self.of == "odds" else "log_probability")
