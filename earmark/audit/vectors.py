"""What a network makes of clips, kept by their content, so that an audit that was stopped goes on.

They lie in a folder of their own for each network: parquet files of ``key`` and ``vector`` that appear whole or not at
all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.audit.survey import Survey, Track
from earmark.core.errors import DataError
from earmark.core.files import write_atomically
from earmark.data.clips import Clips

_CLIPS_AT_ONCE = 256


def vectors_of(
    survey: Survey,
    embed: Callable[[Clips], NDArray[np.float32]],
    folder: Path,
    *,
    track: Track = lambda numbers, total, what: numbers,
) -> NDArray[np.float32]:
    """The vector of every clip, [clips, dimensions]; clips of equal samples are heard once.

    Args:
        embed: gives [clips, dimensions].
        folder: where they are kept, and taken from.
        track: shows progress; counts stretches of clips.

    Raises:
        DataError: a file in the folder is damaged.
    """
    files = sorted(folder.glob("part-*.parquet"))
    kept = {key: vector for path in files for key, vector in _read(path)}
    keys = survey.table["key"].to_list()
    due = [row for key, row in {key: row for row, key in enumerate(keys)}.items() if key not in kept]
    stretches = [due[first : first + _CLIPS_AT_ONCE] for first in range(0, len(due), _CLIPS_AT_ONCE)]
    next_file = max((int(path.stem.removeprefix("part-")) for path in files), default=-1) + 1
    for number in track(range(len(stretches)), len(stretches), "embed"):
        rows = stretches[number]
        found = dict(zip((keys[row] for row in rows), embed(survey.clips.rows(rows)), strict=True))
        table = pl.DataFrame({"key": list(found), "vector": pl.Series(values=np.stack(list(found.values())))})
        write_atomically(folder / f"part-{next_file + number:05d}.parquet", table.write_parquet)
        kept |= found
    return np.stack([kept[key] for key in keys])


def _read(path: Path) -> list[tuple[str, NDArray[np.float32]]]:
    try:
        table = pl.read_parquet(path)
        return list(zip(table["key"], table["vector"].to_numpy(), strict=True))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"'{path}' is damaged ({words}); remove it and run the same command again", path) from None
