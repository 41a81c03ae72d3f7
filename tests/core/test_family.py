"""Laws of open families: members are found where they lie, and outsiders by ``module:Class``."""

import gc
import importlib
import pkgutil
import sys
from abc import ABC
from pathlib import Path

import pytest

import earmark.data.folds
from earmark.core.errors import SettingsError
from earmark.core.family import _import_all, families
from earmark.core.manifest import Manifest
from earmark.core.settings import Settings, read
from earmark.data.folds.folds import Folds
from earmark.data.folds.stratified import Stratified


class Odd(Folds, kind="odd"):
    """A member from outside the package."""

    parity: int = 1

    def split(self, manifest: Manifest) -> dict[str, int]:
        """Alternate."""
        return {name: (i + self.parity) % 2 for i, name in enumerate(manifest.ids)}


class Nameless(Folds):
    """An outsider that forgot its kind."""

    def split(self, manifest: Manifest) -> dict[str, int]:
        """Nothing."""
        return {}


class Unfinished(Folds, ABC, kind="unfinished"):
    """An outsider that cannot be made."""


class Recipe(Settings):
    """A value with a member in it."""

    folds: Folds = Stratified()


ODD = f"{__name__}:Odd"


def test_every_module_of_the_folder_gives_its_members() -> None:
    members = Folds.members()
    assert list(members) == sorted(members) and len(members) >= 3
    assert all(kind == member.kind and issubclass(member, Folds) for kind, member in members.items())
    modules = [
        importlib.import_module(f"earmark.data.folds.{each.name}")
        for each in pkgutil.iter_modules(earmark.data.folds.__path__)
    ]
    there = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and each.__module__ == module.__name__
    }
    assert {each for each in there if issubclass(each, Folds) and each.kind} == set(members.values())
    assert families()["folds"] is Folds


def test_the_folder_is_gone_through_once_and_classes_that_come_later_are_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = set(Folds.members())
    walks: list[str] = []
    monkeypatch.setattr(pkgutil, "walk_packages", lambda *_: walks.append("walk") or iter(()))
    assert set(Folds.members()) == before and read(Recipe, {"folds": "stratified"}) == Recipe()
    assert not walks

    class Late(Odd, kind="late"):
        __module__ = "earmark.data.folds.late"

    assert set(Folds.members()) == before | {"late"} and Folds.named("late") is Late
    del Late
    gc.collect()
    assert set(Folds.members()) == before


def test_what_could_not_be_imported_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "odd_family_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "member.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        _import_all(folder.name)
    (folder / "member.py").write_text("found = 1\n")
    _import_all(folder.name)
    assert sys.modules.pop(f"{folder.name}.member").found == 1
    del sys.modules[folder.name]


def test_a_member_is_named_by_its_kind_alone_or_with_settings() -> None:
    assert read(Recipe, {"folds": "stratified"}) == Recipe()
    assert read(Recipe, {"folds": {"kind": "stratified", "n_folds": 3}}).folds == Stratified(n_folds=3)
    assert read(Recipe, {"folds": Stratified(seed=1)}).folds == Stratified(seed=1)


def test_an_outsider_is_read_checked_and_dumped_by_its_place() -> None:
    recipe = read(Recipe, {"folds": {"kind": ODD, "parity": 0}})
    assert recipe.folds == Odd(parity=0)
    assert recipe.model_dump() == {"folds": {"kind": ODD, "parity": 0}}
    assert read(Recipe, recipe.model_dump()) == recipe
    with pytest.raises(SettingsError, match=r"folds\.party: no such setting; did you mean 'parity'"):
        read(Recipe, {"folds": {"kind": ODD, "party": 0}})


def test_outsiders_do_not_join_the_members() -> None:
    assert "odd" not in Folds.members()
    with pytest.raises(SettingsError, match="no folds of kind 'odd'"):
        read(Recipe, {"folds": "odd"})


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("no_such_module:Odd", "no folds at 'no_such_module:Odd'"),
        (f"{__name__}:Even", "no folds at"),
        ("pathlib:Path", "is not a folds: it must derive from Folds"),
        ("earmark.core.settings:nearest", "is not a folds"),
        (f"{__name__}:Nameless", "must say its kind"),
        (f"{__name__}:Unfinished", "is not a finished folds"),
        ("earmark.data.folds.folds:Folds", "is not a finished folds"),
    ],
)
def test_what_is_no_member_is_refused_in_words(kind: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        read(Recipe, {"folds": {"kind": kind}})


@pytest.mark.parametrize("data", [3, None, {}, {"n_folds": 3}, ["stratified"], {"kind": 3}])
def test_data_that_names_no_member_lists_the_kinds(data: object) -> None:
    with pytest.raises(SettingsError, match=r"folds: names no folds; write `kind: \.\.\.`, there are: given, holdout"):
        read(Recipe, {"folds": data})
