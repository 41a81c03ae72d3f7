"""What a user says of folds: ``each``, ``none``, the number of one, or of some (``0,2``).

With ``each`` and with some there is one run a fold, side by side in one folder; else the folder is that of the run.
"""

from __future__ import annotations

import re

from earmark.core.errors import DataError, SettingsError
from earmark.core.manifest import Manifest
from earmark.data.folds.folds import Folds

EACH, NONE = "each", "none"
"""The choices that are no number: every fold in turn, and none, so that all clips are learnt from."""


def is_fold(text: str) -> bool:
    """Whether this is a choice of folds."""
    return text in (EACH, NONE) or re.fullmatch(r"[0-9]+(,[0-9]+)*", text) is not None


def is_several(choice: str) -> bool:
    """Whether there is one run a fold.

    >>> is_several("each"), is_several("0,2"), is_several("0"), is_several("none")
    (True, True, False, False)
    """
    return choice == EACH or "," in choice


def covers(theirs: str, mine: str) -> bool:
    """Whether somebody who holds out folds by one choice has a model for each fold of the other.

    >>> covers("each", "0,2"), covers("0,2", "2"), covers("0,2", "each"), covers("0", "none")
    (True, True, False, False)
    """
    if mine == theirs or EACH in (theirs, mine) or NONE in (theirs, mine):
        return mine == theirs or (theirs == EACH and mine != NONE)
    return set(mine.split(",")) <= set(theirs.split(","))


def fold_choice(text: str) -> str:
    """A choice of folds as it is kept: each number once and in order.

    >>> fold_choice("2,0,2"), fold_choice("1,1"), fold_choice("each")
    ('0,2', '1', 'each')

    Raises:
        SettingsError: it is none.
    """
    if not is_fold(text):
        raise SettingsError(f"--fold must be a number, some numbers such as 0,2, '{EACH}' or '{NONE}', got '{text}'")
    return text if text in (EACH, NONE) else ",".join(map(str, sorted(set(map(int, text.split(","))))))


def turns(choice: str, manifest: Manifest, folds: Folds) -> list[int | None]:
    """The folds that are held out in turn; None where none is.

    Args:
        manifest: with its folds.
        folds: how they were made.

    Raises:
        DataError: there is no such fold.
    """
    if choice == NONE:
        return [None]
    there = sorted(set(manifest.where(part="train", origin="curated").clips["fold"].drop_nulls().to_list()))
    if choice == EACH:
        return list(folds.to_hold_out(there))
    wanted = list(map(int, choice.split(",")))
    lacking = [number for number in wanted if number not in there]
    if lacking:
        raise DataError(f"there is no fold {lacking[0]}; the curated clips have folds {', '.join(map(str, there))}")
    return list(wanted)
