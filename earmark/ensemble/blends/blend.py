"""What every blend is: settings that are fitted to held-out scores, and then make one table of many.

A blend that learns sees scores of clips that no member was trained on, and their labels; one that does not learn takes
the same way and looks at neither. Whatever is learnt depends on the set of members, clips and classes, never on the
order in which they were listed. An ensemble of one member is that member: nothing is learnt about it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from earmark.core.errors import DataError, SettingsError
from earmark.core.family import Member
from earmark.ensemble.class_scores import Bring, ClassScores
from earmark.ensemble.correlation import Pruned, Pruning, pruned

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.core.predictions import Predictions
    from earmark.ensemble.members import Members
    from earmark.ensemble.scales import Mixture

Track = Callable[[Iterable[int], int, str], Iterable[int]]


def untold(numbers: Iterable[int], total: int, what: str) -> Iterable[int]:
    """Nobody is shown how far it is."""
    return numbers


class Mix(Protocol):
    """A fitted mixture of members that are on one footing."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was learnt or given, as plain data."""
        ...

    def __call__(self, members: "Members") -> "Mixture":
        """One table of the scores of the members it was fitted to."""
        ...


class Blend(Member, ABC, family="blend"):
    """A way of making one table of scores of several."""

    learns: ClassVar[bool] = False
    """Whether it looks at labels of held-out clips."""

    prune: Pruning | None = None
    """Leaves out members that say what another says already; null keeps all."""
    normalise: ClassScores | None = None
    """Brings the scores of each class onto one footing first; null takes them as they are."""

    @property
    def is_fitted(self) -> bool:
        """Whether anything about it depends on the held-out clips, so that it must not be scored on them as it is."""
        return type(self).learns or bool(self._fitted_around)

    @property
    def _fitted_around(self) -> dict[str, str]:
        """What is fitted before members are mixed, by its setting, in words."""
        found = {} if self.prune is None else {"prune": "pruning"}
        if self.normalise is not None and self.normalise.by == "held_out":
            found["normalise"] = "a footing of classes"
        return found

    def unfitted(self) -> "tuple[Blend | None, str]":
        """What of it is left where nothing can be fitted, and why the rest is not, in words.

        A blend that learns how to mix has nothing left; any other mixes as it does, but nobody is pruned and no class
        is brought onto the footing of held-out clips.

        >>> from earmark.ensemble.blends.geometric import Geometric
        >>> Geometric(prune=Pruning()).unfitted()[1]
        'without pruning, which takes several folds'
        """
        if type(self).learns:
            return None, f"{self.kind} would learn, which takes several folds"
        without = self._fitted_around
        if not without:
            return self, ""
        takes = "takes" if len(without) == 1 else "take"
        said = f"without {' and '.join(without.values())}, which {takes} several folds"
        return self.model_copy(update=dict.fromkeys(without)), said

    def fit(self, members: "Members", targets: "Targets | None" = None, *, track: Track = untold) -> "Blended":
        """Learn what there is to learn.

        Args:
            members: scores of clips that no member was trained on; their folds say so.
            targets: the labels of these clips; a blend that learns nothing needs none.
            track: shows progress of longer searches.

        Raises:
            DataError: a blend that learns is given members that do not say which fold held out each clip.
            SettingsError: it needs labels and there are none, or the settings do not fit these members.
        """
        if type(self).learns:
            _must_be_held_out(members, self.kind)
            if targets is None:
                raise SettingsError(
                    f"blend '{self.kind}' learns from labels, but none came; name the right ones (--truth), or take "
                    "one that learns nothing, such as arithmetic"
                )
        stay = Pruned(members.names, {}) if self.prune is None else pruned(members, self.prune, targets)
        chosen = members.only(stay.kept)
        bring: Bring = _as_they_are if self.normalise is None else self.normalise.learn(chosen)
        mix = Alone() if len(chosen) == 1 else self._fit(bring(chosen), targets, track)
        return Blended(members.names, stay, bring, mix)

    @abstractmethod
    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        """The mixture of two members or more; where the blend learns, there are targets."""


@dataclass(frozen=True, eq=False)
class Blended:
    """A blend at work: called with members, it gives their one table."""

    names: tuple[str, ...]
    """The members that it was fitted to."""
    stay: Pruned
    bring: Bring
    mix: Mix

    def __call__(self, members: "Members") -> "Predictions":
        """The ensemble's scores of these clips.

        Raises:
            DataError: other members than it was fitted to.
        """
        if members.names != self.names:
            odd = sorted(set(members.names) ^ set(self.names))
            here = "these" if odd[0] in members.names else "those that it was fitted to"
            raise DataError(
                f"the blend was fitted to members {', '.join(self.names)}, but only {here} have '{odd[0]}'; give the "
                "same members by the same names (name=path)"
            )
        scores, link = self.mix(self.bring(members.only(self.stay.kept)))
        return members.predictions(scores, link)

    @property
    def facts(self) -> dict[str, Any]:
        """What there is to know of it, as plain data."""
        dropped = {
            name: {"like": other, "correlation": round(value, 6)} for name, (other, value) in self.stay.dropped.items()
        }
        return {"members": list(self.names), **({"dropped": dropped} if dropped else {}), **self.mix.facts}


@dataclass(frozen=True)
class Alone:
    """One member, as it is."""

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"alone": True}

    def __call__(self, members: "Members") -> "Mixture":
        from earmark.ensemble.scales import Mixture

        return Mixture(members.scores[0], members.link)


def _as_they_are(members: "Members") -> "Members":
    return members


def _must_be_held_out(members: "Members", kind: str) -> None:
    if members.folds is None or (members.folds < 0).any():
        first = members.ids[0] if members.folds is None else members.ids[int((members.folds < 0).argmax())]
        raise DataError(
            f"blend '{kind}' learns on held-out clips alone, but nothing says which fold held out clip '{first}'; give "
            "the held-out predictions of a training of each fold"
        )
