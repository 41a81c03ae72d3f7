"""Models that say something of clips whose labels are known: signal and noise as somebody orders them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from earmark.core.manifest import Targets
from earmark.core.predictions import Predictions
from earmark.ensemble.members import Members


@dataclass(frozen=True, eq=False)
class Choir:
    """Tables of scores by member, and the labels of the clips in the order of their ids."""

    tables: dict[str, Predictions]
    targets: Targets

    @property
    def members(self) -> Members:
        return Members.of(self.tables)

    def shuffled(self, seed: int) -> Members:
        """The same members, with members, clips and classes listed in another order."""
        rng = np.random.default_rng(seed)
        first = next(iter(self.tables.values()))
        classes = [first.classes[i] for i in rng.permutation(len(first.classes))]
        names = [list(self.tables)[i] for i in rng.permutation(len(self.tables))]
        return Members.of(
            {
                name: self.tables[name].aligned([first.ids[i] for i in rng.permutation(len(first))], classes)
                for name in names
            }
        )

    def targets_for(self, members: Members) -> Targets:
        """The labels in the order of these members' classes."""
        first = self.members.classes
        order = [first.index(name) for name in members.classes]
        return Targets(self.targets.values[:, order], self.targets.known[:, order])


def choir(
    noise: Sequence[float] = (1.0, 1.5, 2.5), *, n: int = 120, n_classes: int = 5, n_folds: int = 4, seed: int = 0
) -> Choir:
    """A member for each amount of noise, ``a``, ``b``, ...; an infinite amount leaves nothing of the labels.

    Clips have one label or two, and are in folds in turn.
    """
    rng = np.random.default_rng(seed)
    labels = np.zeros((n, n_classes), np.float32)
    labels[np.arange(n), np.arange(n) % n_classes] = 1
    second = rng.random(n) < 0.3
    labels[np.flatnonzero(second), (np.arange(n)[second] + 1) % n_classes] = 1
    shared = 0.3 * rng.normal(size=labels.shape)
    ids = tuple(f"clip{i:04d}" for i in range(n))
    classes = tuple(f"k{i}" for i in range(n_classes))
    folds = np.arange(n) // n_classes % n_folds
    tables = {}
    for name, amount in zip("abcdefghij", noise, strict=False):
        own = rng.normal(size=labels.shape)
        logits = 2 * own - 1 if np.isinf(amount) else 3 * labels - 2 + shared + amount * own
        tables[name] = Predictions(ids, classes, logits, folds=folds)
    return Choir(tables, Targets(labels, np.ones(labels.shape, np.bool_)))


def on_link(members: Members, link: str) -> Members:
    """The same members on another link."""
    return Members.of({name: replace(members.table(name), folds=members.folds).on(link) for name in members.names})  # type: ignore[arg-type]
