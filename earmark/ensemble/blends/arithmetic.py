"""The mean of chances."""

from typing import TYPE_CHECKING

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.weights import equal

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Arithmetic(Blend, kind="arithmetic"):
    """The mean of the members' chances, all counting the same, given as log-odds.

    A member that is sure of a class has its way. The rftexas team (2019) ended with the plain mean of three models.
    """

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        return equal(members, "probability")
