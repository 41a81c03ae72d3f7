"""What tables of scores are called within a run, for those who write them and for those who look for them.

held_out                      what the run itself says of a part, by its last weights
held_out-epoch-0064           what a snapshot says
held_out-padded               the same clips heard in another way, which somebody called "padded"
held_out-padded-epoch-0064    both
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"(?P<part>\w+)(-(?!epoch-)(?P<way>[\w.]+))?(-epoch-(?P<epoch>\d+))?")


class TableName(NamedTuple):
    """What a table of scores is called, without the ending of its file.

    >>> str(TableName("held_out", "padded", 64))
    'held_out-padded-epoch-0064'
    >>> TableName.read("test-epoch-0064")
    TableName(part='test', way='', epoch=64)
    """

    part: str
    """The clips that it speaks of."""
    way: str = ""
    """The way of hearing; empty for that of the run itself."""
    epoch: int | None = None
    """That of the snapshot that speaks; none for the last weights."""

    def __str__(self) -> str:
        return f"{self.part}-{self.apart}" if self.apart else self.part

    @property
    def apart(self) -> str:
        """What tells it from what the run itself says of the part; empty where it is just that."""
        epoch = "" if self.epoch is None else f"epoch-{self.epoch:04d}"
        return "-".join(word for word in (self.way, epoch) if word)

    @classmethod
    def read(cls, stem: str) -> TableName | None:
        """The name that a file bears; none where it is no such name."""
        found = _NAME.fullmatch(stem)
        if found is None:
            return None
        return cls(found["part"], found["way"] or "", None if found["epoch"] is None else int(found["epoch"]))


def is_way(name: str) -> bool:
    """Whether a way of hearing may be called so, or is that of the run itself.

    >>> is_way(""), is_way("padded_2.5"), is_way("two-words"), is_way("epoch")
    (True, True, False, False)
    """
    return bool(re.fullmatch(r"[\w.]*", name)) and not name.startswith("epoch")
