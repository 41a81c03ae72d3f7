"""Laws of YAML text: strict, said with the line, and changed at dotted paths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core import yaml_text
from earmark.core.errors import SettingsError

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
PLAIN = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(PLAIN)
def test_what_is_dumped_is_read_back(data: object) -> None:
    assert yaml_text.parse(yaml_text.dump(data)) == data


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3", "at line 3: 'a' is given twice"),
        ("a:\n  b: 1\n  b: 2", "at line 3: 'b' is given twice"),
        ("a: [1\nb: 2", "not YAML at line 2"),
        ("a: 'x", "not YAML"),
        ("? [a]\n: 1", "unhashable key"),
        ("a: !!python/object/apply:os.getcwd []", "not YAML at line 1"),
    ],
)
def test_what_is_not_strict_yaml_is_refused_with_its_line(text: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        yaml_text.parse(text, what="recipe r.yaml")


def test_anchors_may_be_merged_and_added_to() -> None:
    assert yaml_text.parse("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2")["c"] == {"b": 1, "d": 2}


def test_overrides_reach_mappings_lists_and_members_named_by_kind() -> None:
    data = {"a": {"b": 1}, "terms": [{"weight": 1}, {"weight": 2}], "loss": "bce"}
    changes = ["a.b=[1, x]", "a.c.d=null", "terms.1.weight=0.5", "loss.smoothing=0.1", "new=true"]
    assert yaml_text.override(data, changes) == {
        "a": {"b": [1, "x"], "c": {"d": None}},
        "terms": [{"weight": 1}, {"weight": 0.5}],
        "loss": {"kind": "bce", "smoothing": 0.1},
        "new": True,
    }
    assert data == {"a": {"b": 1}, "terms": [{"weight": 1}, {"weight": 2}], "loss": "bce"}  # as it was


def test_later_overrides_win_and_an_empty_document_can_be_overridden() -> None:
    assert yaml_text.override(None, ["a.b=1", "a.b=2"]) == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("a.b", "must be written path=value"),
        ("=3", "must be written path=value"),
        ("terms.2.weight=1", "item '2' of a list of 1; items count from 0"),
        ("terms.first=1", "item 'first'"),
        ("a.b.c=1", "goes through a plain value"),
        ("a.b=[1", "the value in 'a.b=\\[1' is not YAML"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(change: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        yaml_text.override({"a": {"b": 1}, "terms": [{}]}, [change])


def test_changes_are_parted_by_how_their_paths_begin() -> None:
    changes = ["a.b=1", " a=2", "ab=a", "c=a.b=3", "a.b=4"]
    assert yaml_text.parted(changes, {"a", "d"}) == (["a.b=1", " a=2", "a.b=4"], ["ab=a", "c=a.b=3"])
    assert yaml_text.parted([], {"a"}) == ([], [])
