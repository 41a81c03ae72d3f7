"""The data set on disk: the same bytes whatever happens on the way, tables that agree, clips that are sound."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from earmark.core.errors import DataError, SettingsError
from earmark.demo import dataset
from earmark.demo.dataset import DemoSettings, generate, plan, render
from earmark.demo.plan import KINDS
from earmark.demo.sounds import vocabulary

SMALL = DemoSettings(size=0.02, longest_s=3.0)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "set"
    generate(folder, SMALL, workers=1)
    return folder


def test_generating_again_elsewhere_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    generate(tmp_path, SMALL, workers=1)
    assert content(tmp_path) == content(demo)


@pytest.mark.slow
def test_two_workers_write_the_same_bytes_as_one(demo: Path, tmp_path: Path) -> None:
    generate(tmp_path, SMALL, workers=2)
    assert content(tmp_path) == content(demo)


def test_what_is_missing_is_made_again_and_the_rest_is_left_alone(demo: Path, tmp_path: Path) -> None:
    generate(tmp_path, SMALL, workers=1)
    clips = sorted(tmp_path.glob("*/*.wav"))
    gone, kept = clips[::7], clips[1]
    for path in [*gone, tmp_path / "train_noisy.csv", tmp_path / "truth" / "train_noisy.csv"]:
        path.unlink()
    (tmp_path / "test" / ".abc.wav.0123.partial").write_bytes(b"half a clip of a killed process")
    stamp, told = kept.stat().st_mtime_ns, []
    generate(tmp_path, SMALL, workers=1, progress=lambda done, total: told.append((done, total)))
    assert content(tmp_path) == content(demo)
    assert kept.stat().st_mtime_ns == stamp
    assert told[0] == (len(clips) - len(gone), len(clips))
    assert told[-1] == (len(clips), len(clips))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_an_interruption_loses_nothing_and_leaves_no_tables(demo: Path, tmp_path: Path) -> None:
    class Stop(Exception):  # noqa: N818 - it stands for a killed process
        pass

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise Stop

    with pytest.raises(Stop):
        generate(tmp_path, SMALL, workers=1, progress=stop)
    assert not list(tmp_path.glob("*.csv"))
    generate(tmp_path, SMALL, workers=1)
    assert content(tmp_path) == content(demo)


def test_another_seed_gives_other_sounds() -> None:
    other = SMALL.model_copy(update={"seed": 1})
    clips, others = plan(SMALL), plan(other)
    assert not {clip.fname for clip in clips} & {clip.fname for clip in others}
    wave = render(clips[0], SMALL)
    assert np.array_equal(wave, render(clips[0], SMALL))
    assert not np.array_equal(wave, render(clips[0], other))


def test_clips_are_sound(demo: Path) -> None:
    seconds = {row["fname"]: float(row["seconds"]) for row in table(demo / "meta.csv")}
    for path in demo.glob("*/*.wav"):
        wave, rate_hz = soundfile.read(path)
        assert rate_hz == SMALL.rate_hz
        assert wave.ndim == 1
        assert 0.4 <= len(wave) / rate_hz <= SMALL.longest_s
        assert len(wave) / rate_hz == pytest.approx(seconds[path.name], abs=1e-3)
        assert 10 ** (-25 / 20) < np.max(np.abs(wave)) < 0.999
        assert np.std(wave) > 1e-3
        assert soundfile.info(path).subtype == "PCM_16"


def test_tables_and_folders_agree(demo: Path) -> None:
    meta = table(demo / "meta.csv")
    assert Counter(row["folder"] for row in meta) == Counter({"train_curated": 20, "train_noisy": 20, "test": 20})
    for part in KINDS:
        names = [row["fname"] for row in table(demo / f"{part}.csv")]
        assert names == sorted(path.name for path in (demo / part).iterdir())
        assert names == [row["fname"] for row in meta if row["folder"] == part]
    assert [row["name"] for row in table(demo / "vocabulary.csv")] == vocabulary()
    submission = table(demo / "sample_submission.csv")
    assert list(submission[0]) == ["fname", *vocabulary()]
    assert [row["fname"] for row in submission] == [row["fname"] for row in table(demo / "test.csv")]
    assert {value for row in submission for name, value in row.items() if name != "fname"} == {"0"}
    assert Counter(row["usage"] for row in table(demo / "test.csv")) == {"Public": 5, "Private": 15}


@pytest.mark.parametrize("part", ["train_curated", "train_noisy"])
def test_the_truth_stands_to_the_labels_as_its_kind_says(demo: Path, part: str) -> None:
    given = {row["fname"]: set(row["labels"].split(",")) for row in table(demo / f"{part}.csv")}
    truth = table(demo / "truth" / f"{part}.csv")
    assert [row["fname"] for row in truth] == list(given)
    for row in truth:
        labels, heard = given[row["fname"]], set(filter(None, row["true_labels"].split(",")))
        assert labels | heard <= set(vocabulary())
        assert {
            "right": labels == heard,
            "incomplete": labels < heard,
            "wrong": not labels <= heard and bool(heard),
            "out_of_vocabulary": not heard,
        }[row["kind"]]
    assert {row["kind"] for row in truth} == set(KINDS[part])


def test_no_instance_crosses_a_fold_or_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watch which instances are drawn while clips are rendered, and where each one is heard."""
    heard = defaultdict(set)
    make = np.random.default_rng
    settings = DemoSettings(size=0.05, longest_s=0.5)
    clips = plan(settings)

    def watched(seed: list[int]) -> np.random.Generator:
        if seed[1] == dataset.INSTANCE:
            state = tuple(make(seed).bit_generator.state["state"].values())
            heard[state].add(("test" if clip.part == "test" else "train", clip.fold))
        return make(seed)

    monkeypatch.setattr(np.random, "default_rng", watched)
    for clip in clips:
        render(clip, settings)
    assert len(heard) > 50
    assert all(len(places) == 1 for places in heard.values())


def test_a_group_has_one_fold_and_one_side(demo: Path) -> None:
    sides = defaultdict(set)
    for row in table(demo / "meta.csv"):
        sides[row["group"]].add((row["folder"] == "test", row["fold"]))
    assert all(len(side) == 1 for side in sides.values())


def test_flac_holds_the_same_samples(demo: Path, tmp_path: Path) -> None:
    generate(tmp_path, SMALL.model_copy(update={"audio_format": "flac"}), workers=1)
    flac = min(tmp_path.glob("test/*.flac"))
    wave, rate_hz = soundfile.read(flac)
    same, _ = soundfile.read(demo / "test" / f"{flac.stem}.wav")
    assert rate_hz == SMALL.rate_hz
    assert np.array_equal(wave, same)


def test_a_folder_of_other_settings_or_of_anything_else_is_refused_and_kept(demo: Path, tmp_path: Path) -> None:
    before = content(demo)
    with pytest.raises(DataError, match="choose another folder"):
        generate(demo, SMALL.model_copy(update={"seed": 5}), workers=1)
    assert content(demo) == before
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        generate(tmp_path, SMALL, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(DataError, match="must be a folder"):
        generate(mine, SMALL, workers=1)


def test_a_stamp_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("{half")
    with pytest.raises(DataError, match="cannot be used"):
        generate(tmp_path, SMALL, workers=1)


def test_the_stamp_says_which_settings_made_the_set(demo: Path) -> None:
    stamp = json.loads((demo / "demo.json").read_text())
    assert DemoSettings(**{name: value for name, value in stamp.items() if name != "version"}) == SMALL


def test_no_workers_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        generate(tmp_path, SMALL, workers=0)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"seed": -1}, {"audio_format": "mp3"}, {"rate_hz": 8000}, {"sizes": 1}])
def test_settings_without_meaning_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DemoSettings(**wrong)
