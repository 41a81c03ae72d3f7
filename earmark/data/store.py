"""Reading a packed store: any crop of any clip is a copy out of mapped memory, without decoding.

Samples are float32, full scale at ±1, at the store's one rate. A clip is called by the name of its file, as it was
given to `earmark.data.packing.pack`. A store that is being read may be packed further meanwhile: what was there when
it was opened stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from earmark.core.errors import DataError
from earmark.data.ledger import broken_shards, read_index, read_quarantine, read_settings
from earmark.data.pack_settings import PackSettings
from earmark.data.shards import shard_name

_STEPS = np.float32(1 / 32768)


class Store:
    """An open packed store; threads may share it, and processes it is sent to open it again.

    Attributes:
        folder: where it lies.
        settings: what its clips were packed with.
        table: its index, a row a clip in the order of their names; the columns are those of
            `earmark.data.shards.IndexRow`.
    """

    def __init__(self, folder: Path, settings: PackSettings, table: pl.DataFrame) -> None:
        """Use `open`; this only puts together what has been read."""
        self.folder = folder
        self.settings = settings
        self.table = table
        self._row = {file: row for row, file in enumerate(table["file"])}
        self._shard = table["shard"].to_list()
        self._offset = table["offset_samples"].to_list()
        self._length = table["n_samples"].to_list()
        self._gain = [np.float32(scale) * _STEPS for scale in table["scale"]]
        self._maps: dict[int, NDArray[np.int16]] = {}

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """Open a store and see that it is whole, which takes milliseconds.

        Raises:
            DataError: there is no store, it is empty, of another version or damaged.
        """
        folder = Path(folder)
        settings = read_settings(folder)
        return cls(folder, settings, verify(folder))

    @property
    def rate_hz(self) -> int:
        """The rate of every clip."""
        return self.settings.rate_hz

    @property
    def quarantine(self) -> pl.DataFrame:
        """The files that are not in the store, with the reasons, and those that are with a remark; read anew each time.

        The columns are those of `earmark.data.shards.QuarantineRow`.
        """
        return read_quarantine(self.folder)

    def __contains__(self, file: object) -> bool:
        return file in self._row

    def __len__(self) -> int:
        return len(self._row)

    def n_samples(self, file: str) -> int:
        """The length of a clip.

        Raises:
            DataError: it is not in the store.
        """
        return int(self._length[self._at(file)])

    def seconds(self, file: str) -> float:
        """The length of a clip.

        Raises:
            DataError: it is not in the store.
        """
        return self.n_samples(file) / self.rate_hz

    def read(
        self,
        file: str,
        start_sample: int = 0,
        n_samples: int | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Copy a crop of a clip; beyond the clip's end there are zeros.

        Args:
            file: the clip.
            start_sample: where the crop begins, from 0.
            n_samples: its length; None means that of ``out`` if there is one, else what the clip has left.
            out: where to write it, float32 [n_samples]; a new array without.

        Returns:
            The crop, [n_samples].

        Raises:
            DataError: the clip is not in the store, or the crop begins before the clip.
        """
        row = self._at(file)
        if n_samples is None:
            n_samples = len(out) if out is not None else max(0, self._length[row] - start_sample)
        if out is None:
            out = np.empty(n_samples, np.float32)
        elif out.dtype != np.float32 or out.shape != (n_samples,):
            raise DataError(f"a crop needs a place of float32 [{n_samples}], got {out.dtype} {list(out.shape)}")
        self._copy(row, start_sample, out)
        return out

    def read_many(
        self,
        files: Sequence[str],
        starts: ArrayLike,
        n_samples: int,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Copy crops of equal length out of many clips; beyond a clip's end there are zeros.

        Args:
            files: the clips; one may come several times.
            starts: where each crop begins, integers from 0, [clips] or one for all.
            n_samples: the length of every crop.
            out: where to write them, float32 [clips, n_samples]; a new array without.

        Returns:
            The crops, [clips, n_samples].

        Raises:
            DataError: a clip is not in the store, or a crop begins before its clip.
        """
        shape = (len(files), n_samples)
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.dtype != np.float32 or out.shape != shape:
            raise DataError(f"crops need a place of float32 {list(shape)}, got {out.dtype} {list(out.shape)}")
        for file, start, place in zip(files, np.broadcast_to(starts, len(files)).tolist(), out, strict=True):
            self._copy(self._at(file), start, place)
        return out

    def __getstate__(self) -> Path:
        return self.folder

    def __setstate__(self, folder: Path) -> None:
        opened = Store.open(folder)
        self.__dict__.update(opened.__dict__)

    def _at(self, file: str) -> int:
        try:
            return self._row[file]
        except KeyError:
            raise self._unknown(file) from None

    def _copy(self, row: int, start: int, place: NDArray[np.float32]) -> None:
        if start < 0:
            raise DataError(f"a crop of {self.table['file'][row]} cannot begin at sample {start}; begin at 0 or later")
        n = max(0, min(len(place), self._length[row] - start))
        first = self._offset[row] + start
        np.multiply(self._map(self._shard[row])[first : first + n], self._gain[row], out=place[:n])
        place[n:] = 0.0

    def _map(self, shard: int) -> NDArray[np.int16]:
        # Two threads may both map a shard at first; either map serves.
        if (found := self._maps.get(shard)) is None:
            found = np.asarray(np.memmap(self.folder / shard_name(shard), dtype="<i2", mode="r"))
            self._maps[shard] = found
        return found

    def _unknown(self, file: str) -> DataError:
        bad = self.quarantine.filter(pl.col("file") == file)
        if len(bad):
            return DataError(f"{file} is in quarantine and not in the store {self.folder}: {bad['detail'][0]}", file)
        such = f"such as {next(iter(self._row))}" if self._row else "for it is empty"
        return DataError(f"{file} is not among the {len(self)} clips of {self.folder}, {such}; pack it first", file)


def verify(folder: str | Path) -> pl.DataFrame:
    """See that the shards of a store are as long as its index says; its samples are not looked at.

    Returns:
        The index.

    Raises:
        DataError: a shard is missing or cut off, or the index is missing or damaged.
    """
    folder = Path(folder)
    index = read_index(folder)
    for shard, wanted, found in broken_shards(folder, index):
        path = folder / shard_name(shard)
        raise DataError(
            f"{path} should hold {wanted} bytes and holds {found}; pack the same files again to write its clips anew",
            path,
        )
    return index
