"""Laws of fingerprints: what changes the result changes the name, what does not does not."""

from typing import Annotated

import pytest

from earmark.core import fingerprint as module
from earmark.core.fingerprint import differences, fingerprint, flat
from earmark.core.settings import Incidental, Settings
from earmark.data.folds.folds import Folds
from earmark.data.folds.holdout import Holdout
from earmark.data.folds.stratified import Stratified


class Loader(Settings):
    """A section with something incidental in it."""

    batch: int = 8
    workers: Annotated[int, Incidental()] = 2


class Recipe(Settings):
    """A value of some depth."""

    loader: Loader = Loader()
    loaders: tuple[Loader, ...] = (Loader(),)
    folds: Folds = Stratified()
    device: Annotated[str, Incidental()] = "cpu"
    name: str = ""


BASE = Recipe()


@pytest.mark.parametrize(
    "other",
    [
        Recipe(device="cuda"),
        Recipe(loader=Loader(workers=7)),
        Recipe(loaders=(Loader(workers=7),)),
        Recipe.model_validate(BASE.model_dump()),
    ],
)
def test_incidental_fields_stay_out_at_any_depth(other: Recipe) -> None:
    assert fingerprint(other) == fingerprint(BASE)


def test_everything_else_counts() -> None:
    others = [
        Recipe(name="x"),
        Recipe(loader=Loader(batch=9)),
        Recipe(loaders=(Loader(batch=9),)),
        Recipe(loaders=()),
        Recipe(folds=Stratified(seed=1)),
        Recipe(folds=Holdout()),
    ]
    names = [fingerprint(each) for each in (BASE, *others)]
    assert len(set(names)) == len(names)
    assert fingerprint(BASE) != fingerprint(BASE, "input") != fingerprint("input", BASE)


def test_members_of_different_kinds_differ_though_their_fields_agree() -> None:
    class One(Folds, kind="one"):
        def split(self, manifest: object) -> dict[str, int]:
            return {}

    class Two(Folds, kind="two"):
        def split(self, manifest: object) -> dict[str, int]:
            return {}

    assert fingerprint(One()) != fingerprint(Two())


def test_order_is_something() -> None:
    """The first stream defines the epoch: two recipes may differ in nothing but the order of their names."""
    assert fingerprint({"a": 1, "b": 2}) != fingerprint({"b": 2, "a": 1})
    said = differences({"streams": {"a": 1, "b": 2}}, {"streams": {"b": 2, "a": 1}})
    assert said == [("streams (order)", ["a", "b"], ["b", "a"])]
    assert fingerprint([1, 2]) != fingerprint([2, 1])


def test_the_name_is_stable_and_knows_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fingerprint({"a": [1, "x", None, 0.5]}) == "cc1e614ee5d0f87a"  # a change here orphans every finished run
    before = fingerprint(BASE)
    monkeypatch.setattr(module, "SCHEMA_VERSION", module.SCHEMA_VERSION + 1)
    assert fingerprint(BASE) != before


def test_differences_name_what_differs_and_nothing_else() -> None:
    other = Recipe(loader=Loader(batch=9), folds=Holdout(), device="cuda")
    assert differences(BASE, BASE) == []
    said = {path: (left, right) for path, left, right in differences(BASE, other)}
    assert said["loader.batch"] == (8, 9) and said["device"] == ("cpu", "cuda")
    assert said["folds.kind"] == ("stratified", "holdout")
    assert said["folds.n_folds"] == (5, None) and said["folds.ratio.0"] == (None, 8.0)
    assert "loader.workers" not in said and "folds.seed" not in said


def test_flat_keeps_every_leaf() -> None:
    assert flat({"a": {"b": [1, {"c": None}]}, "d": [], "e": {}}) == {"a.b.0": 1, "a.b.1.c": None, "d": [], "e": {}}
