"""What a rule says: a verdict for every (clip, class) it speaks of, how much it believes in each, and what it saw.

keep                the label was given and is believed
drop                the label was given and is not believed
add                 the label was not given and is believed
unknown             nobody should be taught either way: a label that was not chosen, or one that is probably missing
out_of_vocabulary   the label was given, and the clip is believed to hold none of the classes
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Verdict(IntEnum):
    """One word about one (clip, class); silence leaves things as they are."""

    SILENT = 0
    KEEP = 1
    DROP = 2
    ADD = 3
    UNKNOWN = 4
    OUT_OF_VOCABULARY = 5

    @property
    def word(self) -> str:
        """As tables write it."""
        return self.name.lower()


class Opinion(NamedTuple):
    """The verdicts of one rule on one case; arrays are [clips, classes] or [clips]."""

    verdicts: NDArray[np.int8]
    """Of `Verdict`; every given label has one that is not silent."""
    belief: NDArray[np.float64]
    """How much speaks for the class being there; only the order counts, over all clips and classes."""
    strange: NDArray[np.float64] | None = None
    """[clips]: how much speaks for none of the classes being there; only the order counts."""
    p: NDArray[np.float64] | None = None
    """The chance that the class is there, where the rule knows it better than the calibrated guess."""
    seen: Mapping[str, NDArray[np.float64]] = MappingProxyType({})
    """The numbers behind it by name, [clips] or [clips, classes]: the evidence."""
    said: Mapping[str, NDArray[np.int8]] = MappingProxyType({})
    """What other rules said that it asked, by kind: of `Verdict`, [clips, classes]."""
    slices: NDArray[np.int64] | None = None
    """[clips]: the fold whose model alone is to learn from the clip, -1 for every model."""


def chosen(labels: NDArray[np.bool_], clips: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Verdicts of a rule that chooses whole clips: the labels of those are kept, all others are unknown."""
    words = np.where(clips[:, None], Verdict.KEEP, Verdict.UNKNOWN)
    return np.where(labels, words, Verdict.SILENT).astype(np.int8)


def relabelled(labels: NDArray[np.bool_], new: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Verdicts that turn given labels into new ones."""
    words = np.select(
        [labels & new, labels & ~new, ~labels & new],
        [Verdict.KEEP, Verdict.DROP, Verdict.ADD],
        Verdict.SILENT,
    )
    return words.astype(np.int8)
