"""Small cases to judge: by hand, or random ones in which models know something and labels are partly wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from earmark.cleaning.case import Case, Guesses
from earmark.core.embeddings import Embeddings
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions

CLASSES = ("Bark", "Meow", "Rain", "Tap")


def manifest_of(labels: dict[str, Sequence[str]], folds: dict[str, int] | None = None) -> Manifest:
    """Clips with labels; those whose name begins with ``c`` are curated, the others noisy."""
    folds = folds or {}
    clips = pl.DataFrame(
        {
            "id": list(labels),
            "file": [f"{name}.wav" for name in labels],
            "origin": ["curated" if name.startswith("c") else "noisy" for name in labels],
            "fold": [folds.get(name) for name in labels],
        },
        schema_overrides={"fold": pl.Int64},
    )
    said = pl.DataFrame(
        [(name, label) for name, each in labels.items() for label in each],
        schema={"clip": pl.String, "label": pl.String},
        orient="row",
    )
    return Manifest.of(clips, said, classes=CLASSES)


def guesses_of(scores: dict[str, Sequence[float]], *, link: str = "probability", name: str = "p") -> Guesses:
    """Guesses about some clips, said to be out of fold."""
    table = Predictions(
        tuple(scores), CLASSES, np.array(list(scores.values()), float), link, provenance={"out_of_fold": True}
    )  # type: ignore[arg-type]
    return Guesses((table,), name=name)


def case_of(labels: dict[str, Sequence[str]], *scores: dict[str, Sequence[float]], folds=None) -> Case:
    """A case of chances, one dictionary a model."""
    return Case.of(manifest_of(labels, folds), [guesses_of(each, name=f"p{i}") for i, each in enumerate(scores)])


@dataclass(frozen=True)
class World:
    """A made-up collection in which the truth is known."""

    manifest: Manifest
    guesses: tuple[Guesses, ...]
    embeddings: tuple[Embeddings, ...]
    truth: dict[str, frozenset[str]]

    @property
    def case(self) -> Case:
        return Case.of(self.manifest, self.guesses, self.embeddings)

    def truth_of(self, case: Case) -> np.ndarray:
        return np.array([[name in self.truth[clip] for name in case.classes] for clip in case.ids])


def world(n: int = 240, seed: int = 0, *, n_classes: int = 6, n_members: int = 3, skill: float = 3.0) -> World:
    """As many curated clips as noisy ones, in three folds; of the noisy ones a quarter wrong, a fifth strangers."""
    rng = np.random.default_rng(seed)
    classes = tuple(f"class {i}" for i in range(n_classes))
    centres = rng.normal(size=(n_classes, 8)) * 2
    rows, labels, truth, vectors, folds = [], [], {}, {}, {}
    for i in range(2 * n):
        name = f"{'c' if i < n else 'n'}{i:04d}"
        has = set(rng.choice(n_classes, size=1 + (rng.random() < 0.3), replace=False).tolist())
        vector = centres[list(has)].mean(axis=0) + rng.normal(size=8) * 0.6
        given = set(has)
        if i >= n and (luck := rng.random()) < 0.45:
            if luck < 0.2:  # a stranger
                has, vector = set(), rng.normal(size=8) * 3
            given = {int(rng.choice([c for c in range(n_classes) if c not in has]))}
        elif i >= n and luck < 0.7:
            given = {min(has)}
        truth[name] = frozenset(classes[c] for c in has)
        vectors[name], folds[name] = vector, i % 3
        rows.append((name, f"{name}.wav", "curated" if i < n else "noisy", i % 3))
        labels += [(name, classes[c]) for c in sorted(given)]
    clips = pl.DataFrame(rows, schema=["id", "file", "origin", "fold"], orient="row")
    said = pl.DataFrame(labels, schema=["clip", "label"], orient="row")
    manifest = Manifest.of(clips, said, classes=classes)
    right = np.array([[name in truth[clip] for name in classes] for clip in truth])
    members = [
        Predictions(
            tuple(truth),
            classes,
            skill * (right - 0.5) - 1 + rng.normal(size=right.shape),
            folds=np.array(list(folds.values())),
            provenance={"out_of_fold": True},
        )
        for _ in range(n_members)
    ]
    noisy = [clip for clip in truth if clip.startswith("n")]
    curated = [clip for clip in truth if clip.startswith("c")]
    mean = Predictions(
        tuple(noisy),
        classes,
        np.mean([one.aligned(noisy).scores for one in members], axis=0),
        provenance={"out_of_fold": True},
    )
    guesses = Guesses((mean, members[0].aligned(curated)), tuple(one.aligned(noisy) for one in members), "world")
    space = Embeddings(tuple(truth), np.array(list(vectors.values()), np.float32))
    return World(manifest, (guesses,), (space,), truth)


def shuffled(one: World, seed: int = 0) -> World:
    """The same world with the rows of every table, the classes of predictions and the members in another order."""
    rng = np.random.default_rng(seed)

    def mixed(table: Predictions) -> Predictions:
        ids = [table.ids[i] for i in rng.permutation(len(table))]
        classes = [table.classes[i] for i in rng.permutation(len(table.classes))]
        return table.aligned(ids, classes)

    guesses = tuple(
        Guesses(tuple(mixed(p) for p in g.parts[::-1]), tuple(mixed(m) for m in g.members[::-1]), g.name)
        for g in one.guesses
    )
    m = one.manifest
    tables = (each.sample(fraction=1, shuffle=True, seed=seed) for each in (m.clips, m.labels))
    spaces = tuple(e.aligned([e.ids[i] for i in rng.permutation(len(e))]) for e in one.embeddings)
    return World(Manifest.of(*tables, classes=m.classes), guesses, spaces, one.truth)
