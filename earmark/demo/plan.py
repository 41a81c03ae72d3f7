"""What every clip of the generated data set will contain and what its labels will say, decided before a sound is made.

The plan is small and is always drawn whole, so that a clip can be made in any order, by any worker, at any time. Labels
lie as in FSDKaggle2019 (Fonseca et al., DCASE 2019): the curated part misses secondary labels, the noisy part is right
about half of the time, the test part says everything that can be heard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from earmark.demo.sounds import out_of_vocabulary, sounds, vocabulary

CLIPS_AT_SIZE_1: Mapping[str, int] = {"train_curated": 240, "train_noisy": 720, "test": 200}
KINDS: Mapping[str, Mapping[str, float]] = {
    "train_curated": {"right": 0.80, "incomplete": 0.20},
    "train_noisy": {"right": 0.48, "incomplete": 0.05, "wrong": 0.22, "out_of_vocabulary": 0.25},
    "test": {"right": 1.0},
}
"""Share of each kind of labelling, a part."""
P_MORE: Mapping[str, tuple[float, float]] = {
    "train_curated": (0.12, 0.02),
    "train_noisy": (0.07, 0.0),
    "test": (0.28, 0.06),
}
"""Chances that a rightly labelled clip holds two and three sounds instead of one."""
P_CONFUSABLE = 0.7
"""How often a wrong label names a class that sounds alike."""
N_FOLDS = 5
CLIPS_A_GROUP = 48
SHORTEST_S = 0.4


@dataclass(frozen=True)
class PlannedClip:
    """One clip before it sounds.

    Args:
        number: place in the plan; with the seed it names the clip's chances.
        fname: file name, eight hexadecimal digits and the extension.
        part: folder of the clip.
        group: bucket of instances; test groups are not training's, though both count from 0.
        seconds: length.
        sources: the sounds that are in it, the main one first.
        labels: what its label says.
        kind: how the label relates to the truth.
    """

    number: int
    fname: str
    part: str
    group: int
    seconds: float
    sources: tuple[str, ...]
    labels: tuple[str, ...]
    kind: str

    @property
    def truth(self) -> tuple[str, ...]:
        """The sources that the vocabulary has a word for."""
        return tuple(name for name in self.sources if sounds()[name].in_vocabulary)

    @property
    def fold(self) -> int:
        """The fold of its bucket."""
        return self.group % N_FOLDS


def part_sizes(size: float) -> dict[str, int]:
    """Clips a part; never fewer than there are classes, so that every class is in every part."""
    return {part: max(round(n * size), len(vocabulary())) for part, n in CLIPS_AT_SIZE_1.items()}


def draw_plan(size: float, longest_s: float, extension: str, chance: np.random.Generator) -> list[PlannedClip]:
    """Plan every clip of the data set, part after part.

    Args:
        size: factor on the number of clips.
        longest_s: no clip is longer.
        extension: of the file names.
        chance: draws it all.
    """
    sizes = part_sizes(size)
    names = chance.choice(2**32, size=sum(sizes.values()), replace=False)
    n_training = sizes["train_curated"] + sizes["train_noisy"]
    clips: list[PlannedClip] = []
    for part, n_clips in sizes.items():
        n_groups = max(N_FOLDS, round((n_clips if part == "test" else n_training) / CLIPS_A_GROUP))
        leads = _dealt(vocabulary(), n_clips, chance)
        groups = _spread(leads, n_groups, chance)
        for lead, kind, group in zip(leads, _shares(KINDS[part], n_clips, chance), groups, strict=True):
            sources, labels = _contents(lead, kind, P_MORE[part], chance)
            seconds = float(np.clip(chance.uniform(*sounds()[sources[0]].span_s), SHORTEST_S, longest_s))
            fname = f"{names[len(clips)]:08x}.{extension}"
            clips.append(PlannedClip(len(clips), fname, part, group, seconds, sources, labels, kind))
    return clips


def _contents(
    lead: str, kind: str, p_more: tuple[float, float], chance: np.random.Generator
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sources and the labels of a clip whose first label is ``lead``."""
    n_more = int(chance.choice(3, p=[1 - sum(p_more), *p_more]))
    if kind == "incomplete":
        n_more = int(chance.choice([1, 2], p=[0.85, 0.15]))
    first = {"wrong": _mistaken, "out_of_vocabulary": _unnamed}.get(kind, lambda name, chance: name)(lead, chance)
    if kind == "out_of_vocabulary":
        return (first,), (lead,)
    others = [name for name in vocabulary() if name not in (lead, first)]
    more = tuple(str(name) for name in chance.choice(others, n_more, replace=False))
    heard = more[: int(chance.integers(n_more))] if kind == "incomplete" else more
    return (first, *more), (lead, *heard)


def _mistaken(label: str, chance: np.random.Generator) -> str:
    """A class of the vocabulary that somebody may have called ``label``: mostly one that sounds like it."""
    words = [name for name in vocabulary() if name != label]
    alike = [name for name in words if label in sounds()[name].like or name in sounds()[label].like]
    return str(chance.choice(alike if alike and chance.uniform() < P_CONFUSABLE else words))


def _unnamed(label: str, chance: np.random.Generator) -> str:
    """A sound outside the vocabulary that somebody may have called ``label``."""
    alike = [name for name in out_of_vocabulary() if label in sounds()[name].like]
    return str(chance.choice(alike if alike and chance.uniform() < P_CONFUSABLE else out_of_vocabulary()))


def _shares(shares: Mapping[str, float], n: int, chance: np.random.Generator) -> list[str]:
    """``n`` names in these shares, as exactly as whole numbers allow, in random order."""
    edges = np.rint(np.cumsum(list(shares.values())) * n).astype(int)
    names = [name for name, count in zip(shares, np.diff(edges, prepend=0), strict=True) for _ in range(count)]
    return [names[place] for place in chance.permutation(n)]


def _dealt(names: Sequence[str], n: int, chance: np.random.Generator) -> list[str]:
    """``n`` names, each as often as the others, dealt from shuffled decks."""
    decks = [chance.permutation(len(names)) for _ in range(-(-n // len(names)))]
    return [names[card] for card in np.concatenate(decks)[:n]]


def _spread(leads: Sequence[str], n_groups: int, chance: np.random.Generator) -> list[int]:
    """A group for each clip so that every class goes round the groups (and so the folds) evenly."""
    turn = {name: int(chance.integers(n_groups)) for name in vocabulary()}
    groups = []
    for lead in leads:
        groups.append(turn[lead] % n_groups)
        turn[lead] += 1
    return groups
