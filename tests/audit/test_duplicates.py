"""Planted copies are found, with where they lie, and nothing else is."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from earmark.audit.duplicates import PAIR_COLUMNS, Duplicates, find_duplicates
from earmark.audit.linked import clusters_of, never_split
from earmark.audit.settings import AuditSettings
from tests.audit.conftest import RATE_HZ, sound

SETTINGS = AuditSettings()
OTHERS = {f"other {at:02}": sound(100 + at, 1.5) for at in range(25)}


def found_in(made, labels=None, settings: AuditSettings = SETTINGS) -> Duplicates:
    return find_duplicates(made.survey, labels or {}, settings)


def pairs_of(found: Duplicates, kind: str) -> set[tuple[str, str]]:
    table = found.pairs.filter(found.pairs["kind"] == kind)
    return {tuple(sorted(pair)) for pair in table.select("a", "b").rows()}  # type: ignore[misc]


def in_16_bits(wave: np.ndarray) -> np.ndarray:
    return np.float32(np.round(wave * 32768) / 32768)


def coded(wave: np.ndarray, kind: str, subtype: str | None = None) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, wave, RATE_HZ, format=kind, subtype=subtype)
    file.seek(0)
    return np.float32(soundfile.read(file)[0])


def test_equal_samples_are_exact_copies_and_nothing_else_is(world) -> None:
    wave = sound(0)
    made = world(OTHERS | {"x": wave, "y": wave.copy(), "z": wave.copy(), "almost": wave[:-1]})
    found = found_in(made)
    assert pairs_of(found, "exact") == {("x", "y"), ("x", "z"), ("y", "z")}
    assert pairs_of(found, "near") == {("almost", "x"), ("almost", "y"), ("almost", "z")}
    assert set(found.clusters[[made.survey.ids.index(name) for name in OTHERS]]) == {-1}
    assert len(set(found.clusters.tolist())) == 2


ALTERED = {
    "much quieter": lambda wave: in_16_bits(0.02 * wave),
    "start cut off": lambda wave: wave[2500:],
    "both ends cut off": lambda wave: wave[1234:-1500],
    "silence around it": lambda wave: np.concatenate([np.zeros(5000), wave, np.zeros(3000)]),
    "with noise": lambda wave: wave + 0.1 * wave.std() * np.random.default_rng(9).standard_normal(len(wave)),
    "as ogg": lambda wave: coded(wave, "OGG", "VORBIS"),
    "as mp3": lambda wave: coded(wave, "MP3"),
    "shifted by an offset": lambda wave: wave + 0.003,
    "under another sound": lambda wave: wave + 0.1 * sound(77, 1.5),
}


@pytest.mark.parametrize("how", ALTERED)
@pytest.mark.parametrize("seed", range(2))
def test_altered_copies_are_near(world, how: str, seed: int) -> None:
    wave = sound(seed, 1.5)
    made = world(OTHERS | {"original": wave, "copy": np.float32(ALTERED[how](wave))})
    found = found_in(made)
    assert pairs_of(found, "near") == {("copy", "original")} and not pairs_of(found, "exact")
    assert found.pairs["correlation"][0] > 0.85


def test_different_clips_are_no_copies(world) -> None:
    noises = {f"noise {at}": 0.1 * np.random.default_rng(at).standard_normal(RATE_HZ) for at in range(20)}
    drums = {f"drum {at}": drum(at) for at in range(20)}
    turned = {"forwards": sound(5), "backwards": sound(5)[::-1].copy()}
    found = found_in(world(OTHERS | noises | drums | turned))
    assert found.n_compared > 100  # spectra alike, waves not
    assert found.pairs.height == 0 and (found.clusters == -1).all()


def drum(seed: int) -> np.ndarray:
    """Hits of one drum: the same decay and colour, other noise."""
    time = np.arange(RATE_HZ // 2) / RATE_HZ
    return np.float32(0.3 * np.exp(-12 * time) * np.random.default_rng(seed).standard_normal(len(time)))


def test_silent_clips_are_no_copies_of_one_another(world) -> None:
    made = world({"a": np.zeros(8000), "b": np.zeros(8000), "c": np.full(8000, 2e-5), "d": np.full(8000, 2e-5)})
    assert found_in(made).pairs.height == 0


def test_a_sound_that_is_there_often_does_not_flood_the_table(world) -> None:
    made = world({f"{at:02}": sound(0) for at in range(30)})
    found = found_in(made)
    assert found.pairs.height == 45 + 20 and set(found.clusters.tolist()) == {0}


@pytest.mark.parametrize(
    ("part", "origin", "fold", "where"),
    [
        (("train", "test"), ("curated", "curated"), (0, None), "train and test"),
        (("test", "train"), ("curated", "noisy"), (None, None), "train and test"),
        (("test", "test"), ("curated", "curated"), (None, None), "elsewhere"),
        (("train", "train"), ("curated", "curated"), (0, 1), "across folds"),
        (("train", "train"), ("curated", "curated"), (1, 1), "elsewhere"),
        (("train", "train"), ("curated", "noisy"), (0, 1), "across folds"),
        (("train", "train"), ("curated", "noisy"), (0, 0), "elsewhere"),
        (("train", "train"), ("curated", "noisy"), (0, None), "across folds"),
        (("train", "train"), ("noisy", "noisy"), (0, 1), "elsewhere"),
        (("train", "train"), ("curated", "curated"), (None, None), "elsewhere"),
    ],
)
def test_a_pair_leaks_where_a_model_is_judged_by_what_it_learnt(world, part, origin, fold, where: str) -> None:
    made = world({"a": sound(0), "b": sound(0)}, {"part": part, "origin": origin, "fold": fold})
    assert found_in(made).pairs["where"].to_list() == [where]


def test_the_worst_pairs_come_first_and_say_how_they_are_labelled(world) -> None:
    waves = {name: sound(seed) for name, seed in {"a": 0, "b": 0, "c": 1, "d": 1, "e": 2, "f": 2}.items()}
    columns = {"part": ["train", "train", "train", "test", "train", "train"], "fold": [0, 1, 0, None, 3, 3]}
    labels = {"a": ("x",), "b": ("x",), "c": ("x", "y"), "d": ("y",)}
    found = found_in(world(waves, columns), labels)
    assert found.pairs["where"].to_list() == ["train and test", "across folds", "elsewhere"]
    assert found.pairs["same_labels"].to_list() == [False, True, True]
    assert found.pairs.row(0, named=True)["labels_a"] == "x,y"
    assert dict(found.pairs.schema) == PAIR_COLUMNS == dict(found_in(world({"alone": sound(0)})).pairs.schema)
    assert found.of("across folds", "exact")["a"].to_list() == ["a"]


def test_clusters_and_groups_hang_together() -> None:
    assert clusters_of(3, []).tolist() == [-1, -1, -1]
    clusters = clusters_of(7, [(5, 6), (0, 1), (1, 2)])
    assert clusters[0] == clusters[1] == clusters[2] != clusters[5] == clusters[6]
    groups = never_split(["a", "b", "c", "d", "d", "e", "c"], clusters)
    assert groups[0] == groups[2] == groups[5] == groups[6] and groups[3] == groups[4] != groups[0]
    assert never_split([], np.zeros(0, np.int64)).tolist() == []
