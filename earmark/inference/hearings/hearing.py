"""The root of the ways of hearing a clip.

A way of hearing knows the length of a clip and nothing else of it: it makes a plan, and the tagger carries it out.
Lengths in settings are seconds, in plans samples. Ways of hearing go into one another (``of``), so that what one
source did with slices and another with padding can be had together.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from earmark.core.errors import SettingsError
from earmark.core.family import Member
from earmark.core.spec import Domain
from earmark.inference.plan import Plan
from earmark.inference.pooling import Pool


class Ear(NamedTuple):
    """What a way of hearing may know of the tagger."""

    rate_hz: int
    window_samples: int
    """The most that is heard at once."""
    crop_samples: int | None
    """The length of the crops of its training; none where it learnt from whole clips."""
    pool: Pool
    """How the pieces of a clip that is longer than the window are pooled."""
    domains: frozenset[Domain]
    """What its view goes through."""

    def samples(self, seconds: float | None) -> int:
        """A length in samples, at least one; that of the crops of training, or else the window, if none is given."""
        if seconds is None:
            return min(self.crop_samples or self.window_samples, self.window_samples)
        return max(1, round(seconds * self.rate_hz))


class Hearing(Member, ABC, family="hearing"):
    """A way of hearing a clip."""

    @property
    def within(self) -> "tuple[Hearing, ...]":
        """The ways of hearing that this one consists of, if it does."""
        return ()

    @property
    def longest_s(self) -> float:
        """The longest part of a clip that its own settings ask for, its silence included; 0 if they name none."""
        return 0.0

    @property
    def needs_length(self) -> bool:
        """Whether a stream has to be gone through twice because a plan depends on where it ends."""
        return True

    @abstractmethod
    def plan(self, n_samples: int, ear: Ear, name: str) -> Plan:
        """What to hear of a clip of this length, and how to make one row of it.

        Args:
            n_samples: the length of the clip; 0 gives a plan of one empty take.
            name: what the clip is called, which is all that chance may depend on.
        """

    def check(self, ear: Ear) -> None:
        """Refuse a tagger that cannot hear so; each member speaks for itself alone.

        Raises:
            SettingsError: with what is wanted and what came.
        """
        longest = self.longest_s
        if round(longest * ear.rate_hz) > ear.window_samples:
            raise SettingsError(
                f"hearing '{self.kind}' asks for {longest:g} s at once, but inference.window_s is "
                f"{ear.window_samples / ear.rate_hz:g} s; make the window longer"
            )


def everybody(hearing: Hearing) -> Iterator[Hearing]:
    """A way of hearing and all that it consists of."""
    yield hearing
    for inner in hearing.within:
        yield from everybody(inner)
