"""What was measured is kept whole, once for each content, whatever stops the work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.audit import survey as surveying
from earmark.audit.kept import Kept
from earmark.audit.meter import Meter
from earmark.audit.survey import survey
from earmark.core.errors import DataError
from tests.audit.conftest import RATE_HZ, blocks, sound


def test_measurements_come_back_to_the_last_bit(tmp_path: Path) -> None:
    meter = Meter(RATE_HZ)
    kept = Kept(tmp_path)
    waves = {"sound": sound(0), "silence": np.zeros(4000, np.float32)}
    for name, wave in waves.items():
        kept.add(name, meter.measure(blocks(wave)))
    kept.save()
    again = Kept(tmp_path)
    assert len(again) == 2
    for name in waves:
        assert again[name].values.keys() == kept[name].values.keys()
        assert np.array_equal(list(again[name].values.values()), list(kept[name].values.values()), equal_nan=True)
        for one, other in zip(again[name][1:], kept[name][1:], strict=True):
            assert one.dtype == other.dtype and np.array_equal(one, other)


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.save()
    assert not list(tmp_path.iterdir())


def test_many_files_become_one(tmp_path: Path) -> None:
    measured = Meter(RATE_HZ).measure(blocks(sound(0)))
    kept = Kept(tmp_path)
    for number in range(10):
        kept.add(str(number), measured)
        kept.save()
    assert len(list(tmp_path.iterdir())) == 10
    kept.tidy()
    assert [path.name for path in tmp_path.iterdir()] == ["part-00010.parquet"] and len(Kept(tmp_path)) == 10


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"part-00000\.parquet' is damaged.*remove it"):
        Kept(tmp_path)


def test_a_survey_goes_on_and_measures_each_content_once(world, tmp_path: Path, monkeypatch) -> None:
    waves = {f"clip {at:02}": sound(at) for at in range(12)} | {"again": sound(3)}
    made = world(waves)
    measured: list[int] = []
    whole = Meter.measure

    def counted(self: Meter, read):
        measured.append(1)
        return whole(self, read)

    def stopped(numbers, total, what):
        for number in numbers:
            if number == 9:
                raise KeyboardInterrupt
            yield number

    monkeypatch.setattr(surveying.Meter, "measure", counted)
    with pytest.raises(KeyboardInterrupt):
        survey(made.manifest, made.clips, Kept(tmp_path), track=stopped)
    n_kept = len(Kept(tmp_path))
    assert 0 < n_kept < 10
    n_first = len(measured)
    found = survey(made.manifest, made.clips, Kept(tmp_path))
    assert len(found) == 13 and len(Kept(tmp_path)) == 12
    assert len(measured) <= 12 + (n_first - n_kept) + 1  # what was under way when it stopped is done again
    measured.clear()
    other = world({f"renamed {name}": wave for name, wave in waves.items()})
    measured.clear()
    survey(other.manifest, other.clips, Kept(tmp_path))
    assert measured == []


def test_a_survey_lists_clips_in_order_with_their_sets(world) -> None:
    waves = {name: sound(at) for at, name in enumerate("dbca")}
    columns = {"part": ["test", "train", "train", "train"], "origin": ["curated", "noisy", "curated", "unlabelled"]}
    made = world(waves, columns | {"group": [None, "g", "g", None]})
    assert made.survey.ids == ("a", "b", "c", "d")
    assert made.survey.table["set"].to_list() == ["unlabelled", "noisy", "curated", "test"]
    assert list(made.survey.sets) == ["curated", "noisy", "unlabelled", "test"]
    assert made.survey.table["group"].to_list() == ["a", "g", "g", "d"]
    expected = Meter(RATE_HZ).measure(blocks(waves["b"]))
    assert np.array_equal(made.survey.spectrum_db[1], expected.spectrum_db)
