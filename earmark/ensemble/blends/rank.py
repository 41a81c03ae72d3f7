"""The mean of places within the clip."""

from typing import TYPE_CHECKING

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.weights import equal

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Rank(Blend, kind="rank"):
    """The mean of the places that the members give each class within its clip, all counting the same.

    It hears no member louder than another, whatever its loss, and works for scores on any link. What comes is a mean of
    ranks: it orders the classes of a clip and says nothing about chances.
    """

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        return equal(members, "rank")
