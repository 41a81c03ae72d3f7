"""Laws of settings: everything that is wrong is said at once, by path, with the nearest right name."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from earmark.core import yaml_text
from earmark.core.errors import SettingsError
from earmark.core.settings import Settings, nearest, read
from earmark.data.folds.folds import Folds
from earmark.data.folds.holdout import Holdout
from earmark.data.folds.stratified import Stratified


class Training(Settings):
    """A section."""

    epochs: Annotated[int, Field(ge=1)] = 3
    """How many."""
    rate: float = 0.1
    name: Annotated[str, Field(pattern=r"^a{1,2}$")] = "a"


class Recipe(Settings):
    """A recipe of the size that tests need."""

    training: Training = Training()
    folds: Folds = Stratified()
    more: tuple[Folds, ...] = ()
    mode: Literal["fast", "slow"] = "fast"
    batch: int


def faults(data: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(Recipe, data, what="recipe r.yaml")
    return caught.value.faults


def test_three_misspelt_keys_are_three_faults_with_suggestions() -> None:
    said = faults({"batch": 1, "traning": {}, "foldz": "given", "training": {"epohcs": 2}})
    assert sorted(said) == [
        "foldz: no such setting; did you mean 'folds'?",
        "training.epohcs: no such setting; did you mean 'epochs'?",
        "traning: no such setting; did you mean 'training'?",
    ]


def test_faults_of_every_sort_and_depth_come_in_one_error() -> None:
    said = "\n".join(
        faults(
            {
                "training": {"epochs": 0, "rate": float("nan"), "name": "b{}"},
                "folds": {"kind": "stratifed"},
                "more": [{"kind": "stratified", "n_fold": 3}, {"kind": "holdout", "ratio": [1]}, 7, {}],
                "mode": "medium",
            }
        )
    )
    for path in (
        "training.epochs:",
        "training.rate:",
        "training.name:",
        "more.1.ratio:",
        "more.2:",
        "more.3:",
        "mode:",
    ):
        assert f"{path} " in said
    assert "batch: is required and was not given" in said
    assert "folds: no folds of kind 'stratifed'; did you mean 'stratified'?" in said
    assert "more.0.n_fold: no such setting; did you mean 'n_folds'?" in said
    assert "got nan" in said and "got 'medium'" in said
    assert "'^a{1,2}$', got 'b{}'" in said  # braces as they were written


def test_the_message_names_the_recipe_and_counts() -> None:
    with pytest.raises(SettingsError, match=r"^recipe r\.yaml has 1 fault:\n  - batch: is required") as caught:
        read(Recipe, {}, what="recipe r.yaml")
    assert caught.value.exit_code == 2
    with pytest.raises(SettingsError, match="must be a mapping of names to values, got 'fast'"):
        read(Recipe, "fast")


def test_an_empty_document_is_all_defaults() -> None:
    assert read(Training, None) == Training()


def test_values_are_frozen_and_compare_and_hash_by_what_they_hold() -> None:
    one, other = (read(Recipe, {"batch": 2, "folds": {"kind": "holdout", "seed": 4}}) for _ in range(2))
    assert one == other and hash(one) == hash(other) and one is not other
    with pytest.raises(ValidationError, match="frozen"):
        one.batch = 3  # type: ignore[misc]


def test_reading_what_was_dumped_gives_the_same_value() -> None:
    recipe = Recipe(
        batch=2, training=Training(rate=1e-4), folds=Holdout(ratio=(3, 1)), more=(Stratified(seed=2), Holdout())
    )
    text = yaml_text.dump(recipe.model_dump(mode="json"))
    assert read(Recipe, yaml_text.parse(text)) == recipe
    assert read(Recipe, recipe.model_dump()) == recipe


def test_a_small_number_written_without_a_point_is_a_number() -> None:
    assert read(Training, yaml_text.parse("rate: 1e-3")).rate == 1e-3  # to YAML 1.1 this is a word


def test_nearest_lists_the_choices_where_none_is_near() -> None:
    assert nearest("zzz", ["b", "a"]) == "there are: a, b"
    assert nearest("zzz", []) == "there are none"
