"""The mean of logits that are standardised within the clip."""

from typing import TYPE_CHECKING

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.weights import equal

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Standardised(Blend, kind="standardised"):
    """The mean of logits brought to mean 0 and standard deviation 1 within each clip, all members counting the same.

    For members of different losses: a ranking loss fixes neither the level nor the spread of a clip's logits, so that
    their sigmoids say little. The mean is brought back to the members' mean level and spread.
    """

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        return equal(members, "standardised")
