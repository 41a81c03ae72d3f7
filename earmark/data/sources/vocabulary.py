"""Class names: reading their list, making one from labels, and finding the class that a written label means.

A label means the class of the same name; spaces round it do not count, and neither does case where the vocabulary
has no two names that differ in case alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from earmark.core.errors import DataError
from earmark.core.settings import nearest
from earmark.data.cells import read_csv

_NAME_COLUMNS = ("name", "class", "label", "class_name", "display_name", "category", "classes", "labels")


def read_vocabulary(path: str | Path) -> tuple[str, ...]:
    """Class names from a file: one a line, or ``index,name`` with or without a line of column names.

    Names come in the order of the indices where there are any, else in that of the file.

    Raises:
        DataError: no such file, an empty one, a row without a name, or a name given twice.
    """
    table = read_csv(path, may_be_empty=True)
    head = [name.casefold() for name in table.columns]
    rows = [list(row) for row in table.iter_rows()]
    column = next((head.index(name) for name in _NAME_COLUMNS if name in head), None)
    if column is None:
        rows.insert(0, table.columns)
        column = 1 if len(head) > 1 and head[0].isdigit() else 0
    if column > 0 and all(row[0].strip().isdigit() for row in rows):
        rows.sort(key=lambda row: int(row[0]))
    names = [row[column].strip() for row in rows]
    if "" in names:
        raise DataError(
            f"each row of the vocabulary '{path}' must name a class, but row {names.index('') + 1} does not"
        )
    for name, n in Counter(names).items():
        if n > 1:
            raise DataError(f"the vocabulary '{path}' names '{name}' {n} times; each class is named once", path)
    return tuple(names)


def inferred(labels: pl.Series) -> tuple[str, ...]:
    """A vocabulary of the labels that were used, in alphabetical order.

    Of names that differ in case alone, the spelling used most often stands for all.

    >>> inferred(pl.Series(["Dog", "dog ", "Cat", "Dog"]))
    ('Cat', 'Dog')
    """
    used = Counter(name for name in labels.str.strip_chars().to_list() if name)
    spelling: dict[str, str] = {}
    for name in sorted(used, key=lambda name: (-used[name], name)):
        spelling.setdefault(name.casefold(), name)
    return tuple(sorted(spelling.values()))


def spelled(labels: pl.Series, classes: Sequence[str], table: str | Path) -> pl.Series:
    """The labels as the vocabulary spells them.

    Args:
        labels: what was written, without nulls.
        classes: the vocabulary.
        table: where it was written, for the sentence.

    Raises:
        DataError: labels that no class has, how many, and the first three of them with the nearest classes.
    """
    loosely = Counter(name.casefold() for name in classes)
    meant = {name.casefold(): name for name in classes if loosely[name.casefold()] == 1} | {n: n for n in classes}
    written = labels.unique().to_list()
    stripped = {name: name.strip() for name in written}
    known = {name: meant.get(text, meant.get(text.casefold(), "")) for name, text in stripped.items()}
    strange = sorted(stripped[name] for name in written if not known[name])
    if strange:
        some = ", ".join(f"'{name}'{_near(name, classes)}" for name in strange[:3])
        more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
        raise DataError(
            f"'{table}' uses {len(strange)} label{'s' * (len(strange) != 1)} outside the vocabulary of {len(classes)} "
            f"classes: {some}{more}; mend the table, or add them to the vocabulary",
            table,
        )
    return labels.replace_strict(known, return_dtype=pl.String)


def _near(name: str, classes: Sequence[str]) -> str:
    clause = nearest(name, classes)
    return f" ({clause})" if clause.startswith("did you") else ""
