"""An audit from files to page: what was planted is told, nothing else is, and nothing is measured twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np
import polars as pl
import pytest
import soundfile

from earmark.audit import adversary
from earmark.audit.meter import Meter
from earmark.audit.settings import AuditSettings
from earmark.core.errors import DataError, RunError
from earmark.data.pack_settings import PackSettings
from earmark.stages.audit import Audit, audit
from earmark.stages.prepare import Prepared, prepare
from earmark.stages.show import Silent
from tests.audit.conftest import RATE_HZ, sound

SETTINGS = AuditSettings(n_resamples=100, workers=2)
CLASSES = ("Bark", "Meow", "Rain")


@pytest.fixture(scope="module", autouse=True)
def few_trees() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(adversary._TREES, "max_iter", 10)
        patch.setattr(adversary, "N_SPLITS", 2)
        yield


def write(root: Path, folder: str, name: str, wave: np.ndarray) -> None:
    (root / folder).mkdir(parents=True, exist_ok=True)
    soundfile.write(root / folder / name, wave, RATE_HZ, subtype="FLOAT")


def clean_data(root: Path, gain: float = 1.0) -> Path:
    """Ninety clips of three classes in the layout of the challenge, ten of each class in each set; nothing is wrong."""
    tables: dict[str, list[tuple[str, str]]] = {"train_curated": [], "train_noisy": [], "test": []}
    for at in range(135):
        table = list(tables)[at % 3]
        name = f"{at:08x}.wav"
        write(root, table, name, sound(1000 + at, 0.5, 0.1 * (gain if table == "train_noisy" else 1.0)))
        tables[table].append((name, CLASSES[at // 3 % 3]))
    for table, rows in tables.items():
        schema = ["fname", "labels"]
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        frame = frame.with_columns(usage=pl.lit("Private")) if table == "test" else frame
        frame.write_csv(root / f"{table}.csv")
    pl.DataFrame({"index": range(3), "name": CLASSES}).write_csv(root / "vocabulary.csv")
    pl.DataFrame([(name, 0, 0, 0) for name, _ in tables["test"]], schema=["fname", *CLASSES], orient="row").write_csv(
        root / "sample_submission.csv"
    )
    return root


def prepared(root: Path, store: Path) -> Prepared:
    done = prepare(root, PackSettings(rate_hz=RATE_HZ), Silent(), store=store, workers=1)
    curated = done.manifest.where(part="train", origin="curated").ids
    folds = {name: at // 3 % 5 for at, name in enumerate(curated)}
    return Prepared(done.manifest.folded(folds), done.store, done.report)


def replaced(root: Path, table: str, number: int, wave: np.ndarray) -> str:
    name = str(pl.read_csv(root / f"{table}.csv")["fname"][number])
    write(root, table, name, np.float32(wave))
    return name


def read(root: Path, table: str, number: int) -> np.ndarray:
    name = pl.read_csv(root / f"{table}.csv")["fname"][number]
    return np.asarray(soundfile.read(root / table / name, dtype="float32")[0])


class Clean(NamedTuple):
    """Data with nothing wrong, and an audit of it in ``out``."""

    prepared: Prepared
    out: Path
    audit: Audit


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, few_trees: None) -> Clean:
    work = tmp_path_factory.mktemp("clean")
    ready = prepared(clean_data(work / "data"), work / "store")
    return Clean(ready, work / "out", audit(ready, work / "out", SETTINGS, Silent(), notes=("look at <this>",)))


def test_nothing_is_wrong_with_clean_data(clean: Clean) -> None:
    assert {finding.gravity for finding in clean.audit.findings} == {"note"}, clean.audit.findings
    assert clean.audit.found.duplicates.pairs.height == 0 == clean.audit.found.suspects.height


def test_what_was_planted_is_found_and_nothing_else(tmp_path: Path) -> None:
    root = clean_data(tmp_path / "data", gain=0.25)
    copied = replaced(root, "test", 0, read(root, "train_curated", 10))
    near = replaced(root, "train_curated", 1, 0.3 * read(root, "train_curated", 40)[500:])
    silent = replaced(root, "test", 5, np.zeros(8000))
    clipped = replaced(root, "train_noisy", 3, np.clip(0.1 * sound(7, 0.5) * 80, -0.9, 0.9))
    bad = str(pl.read_csv(root / "train_noisy.csv")["fname"][7])
    (root / "train_noisy" / bad).write_text("not a sound")
    done = audit(prepared(root, tmp_path / "store"), tmp_path / "out", SETTINGS, Silent())
    told = [f"{gravity}: {text}" for gravity, text in done.findings if gravity != "note"]
    expected = (
        "leak: 1 test clip is an exact copy of a training clip (1 pair); a score on it is memory",
        "leak: 2 curated clips have near copies in other folds (1 pair)",
        "fault: 1 file cannot be used (1 unreadable)",
        "fault: 1 clip is silent from end to end (1 test)",
        "fault: 1 clip is clipped (1 noisy)",
        "fault: 1 pair of exact copies carries different labels",
        "difference: noisy clips are quieter than curated ones by 1",
        "difference: noisy clips have less background than curated ones",
        "difference: curated and noisy clips can",
        "difference: noisy and test clips can",
    )
    assert len(told) == len(expected), told
    for one, start in zip(told, expected, strict=True):
        assert one.startswith(start), one
    suspects = done.found.suspects
    assert set(suspects.select("fault", "id").rows()) == {("silent", silent), ("clipped", clipped)}
    assert done.found.quarantine["file"].to_list() == [f"train_noisy/{bad}"]
    pairs = done.found.duplicates.pairs
    assert copied in pairs.row(0)[2:4] and near in pairs.row(1)[2:4] and pairs.height == 2


def test_everything_is_written(clean: Clean) -> None:
    out, done = clean.out, clean.audit
    text = done.page.read_text()
    assert done.page == out / "audit.html" and "look at &lt;this&gt;" in text and "<script" not in text
    for section in ("sets", "classes", "together", "duplicates", "levels", "apart", "map", "suspects", "settings"):
        assert f'id="{section}"' in text
    lines = (out / "findings.txt").read_text().splitlines()
    assert lines == [f"{gravity}: {words}" for gravity, words in done.findings]
    named = ("clips", "classes", "duplicates", "contrasts", "told_apart", "likeness", "neighbours", "map", "suspects")
    for name in named:
        assert pl.read_csv(out / "tables" / f"{name}.csv").width > 1, name
    table = pl.read_parquet(out / "tables" / "clips.parquet")
    assert table.height == 135
    assert {"id", "file", "set", "fold", "rms_db", "spectrum_db", "cluster"} <= set(table.columns)


def test_a_second_audit_measures_nothing_and_says_the_same(clean: Clean, monkeypatch: pytest.MonkeyPatch) -> None:
    page = clean.audit.page.read_bytes()

    def never(self: Meter, read: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(Meter, "measure", never)
    second = audit(clean.prepared, clean.out, SETTINGS, Silent(), notes=("look at <this>",))
    assert second.findings == clean.audit.findings and second.page.read_bytes() == page


def test_two_audits_do_not_share_a_folder(clean: Clean, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (
        filelock.FileLock(tmp_path / "out" / "audit.lock"),
        pytest.raises(RunError, match=r"another audit is at work in .*out"),
    ):
        audit(clean.prepared, tmp_path / "out", SETTINGS, Silent())
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot hold an audit"):
        audit(clean.prepared, tmp_path / "file", SETTINGS, Silent())
