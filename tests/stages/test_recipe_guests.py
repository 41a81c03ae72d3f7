"""Recipes whose view mixes in clips of other streams."""

from __future__ import annotations

import pytest

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.core.yaml_text import dump, parse
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.mixing.shares.fixed import Fixed
from earmark.stages.recipe import Recipe

NOISY = {"origins": {"noisy": 1.0}}


def recipe_of(*steps: dict[str, object], **streams: object) -> Recipe:
    data = {"view": [*steps, {"kind": "log_mel"}], "streams": {"curated": {}, **streams}}
    return read(Recipe, data, what="recipe")


def mixing(stream: str, kind: str = "mixup") -> dict[str, object]:
    return {"kind": kind, "partner": {"stream": stream}}


@pytest.mark.parametrize("kind", ["mixup", "between_class", "superpose", "paste", "cross_fade", "cut_mix"])
def test_a_stream_may_be_there_only_to_be_mixed_in(kind):
    recipe = recipe_of(mixing("noisy", kind), noisy=NOISY)
    assert read(Recipe, parse(dump(recipe.model_dump(mode="json")))) == recipe


def test_a_stream_that_is_not_there_is_refused_with_the_place_of_the_step():
    with pytest.raises(SettingsError, match=r"view\.1 \(paste\) mixes in clips of stream 'nosy', which there is not; "
                       r"did you mean 'noisy'\?"):  # fmt: skip
        recipe_of({"kind": "gain"}, mixing("nosy", "paste"), noisy=NOISY)
    with pytest.raises(SettingsError, match="no part of the objective uses stream 'noisy'"):
        recipe_of({"kind": "mixup"}, noisy=NOISY)


def test_a_stream_may_name_itself():
    assert recipe_of(mixing("curated")).view[0].guests == ("curated",)


def test_a_fixed_share_is_written_as_the_published_system_has_it():
    share = {"kind": "fixed", "share": 0.7}
    assert recipe_of({"kind": "mixup", "p": 0.6, "share": share}).view[0] == Mixup(p=0.6, share=Fixed(share=0.7))
    with pytest.raises(SettingsError, match=r"view.*no such setting"):
        recipe_of({"kind": "mixup", "alpha": 0.4})
