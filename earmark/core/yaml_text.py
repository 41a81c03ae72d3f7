"""YAML text to plain data and back, and changes to it from a command line.

Strict where YAML is lax: a name given twice in one mapping is an error, and what is wrong is said with its line.
"""

from collections.abc import Container, Hashable, Iterable
from typing import Any

import yaml

from earmark.core.errors import SettingsError


class _Loader(yaml.SafeLoader):
    """The safe loader, without silent overwriting of names given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)  # of a key that is a list or a mapping, the loader itself complains
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{name}' is given twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def parse(text: str, *, what: str = "the recipe") -> Any:
    """Plain data from YAML text.

    Raises:
        SettingsError: the text is not YAML, with the line where it stops being so.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise SettingsError(f"{what} is not YAML{where}: {problem}; mend that line") from None


def dump(data: object) -> str:
    """YAML text in the order of the data."""
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120))


def override(data: Any, changes: Iterable[str]) -> Any:
    """Plain data with values replaced at dotted paths, as ``-s training.epochs=3`` asks; the input is left alone.

    A number in a path points into a list. The value is YAML, so ``[1, 2]``, ``null`` and ``true`` mean what they say.
    Another ``kind`` takes the settings of the former one away. Whether the path makes sense is for the settings' own
    validation to say.

    >>> override({"a": {"b": 1}}, ["a.b=2", "a.c=[x]"])
    {'a': {'b': 2, 'c': ['x']}}

    Raises:
        SettingsError: a change is not ``path=value``, or its path leads through a plain value or past a list's end.
    """
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip():
            raise SettingsError(
                f"a change must be written path=value, got '{change}'; for example -s training.epochs=3"
            )
        data = _replaced(data, path.strip().split("."), parse(text, what=f"the value in '{change}'"), change)
    return data


def parted(changes: Iterable[str], names: Container[str]) -> tuple[list[str], list[str]]:
    """Changes whose paths begin with one of these names, and the others, each in their order.

    >>> parted(["a.b=1", "c=a.d", "a=2"], {"a"})
    (['a.b=1', 'a=2'], ['c=a.d'])
    """
    own: list[str] = []
    others: list[str] = []
    for change in changes:
        first = change.partition("=")[0].partition(".")[0].strip()
        (own if first in names else others).append(change)
    return own, others


def _replaced(data: Any, path: list[str], value: Any, change: str) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(data, list):
        if not head.isdigit() or int(head) >= len(data):
            raise SettingsError(f"'{change}' points to item '{head}' of a list of {len(data)}; items count from 0")
        return [_replaced(each, rest, value, change) if i == int(head) else each for i, each in enumerate(data)]
    if isinstance(data, dict) and path == ["kind"] and data.get("kind") != value:
        return {"kind": value}  # another kind has other settings: those of the former one go
    if data is None or isinstance(data, dict):
        inner = (data or {}).get(head)
        return {**(data or {}), head: _replaced(inner, rest, value, change)}
    if isinstance(data, str) and rest == []:  # a member given by its kind alone: {loss: bce} and -s loss.weight=2
        return {"kind": data, head: value}
    raise SettingsError(f"'{change}' goes through a plain value ({data!r}); only mappings and lists have parts")
