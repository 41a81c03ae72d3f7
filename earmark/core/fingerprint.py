"""What a result depends on, as a short name: fingerprints, flattened settings, differences.

A fingerprint hashes every resolved value that changes the result (fields marked `Incidental` do not), whatever
else went in, and the version of the schema. Equal fingerprints mean that the work need not be done again.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from earmark.core.settings import Incidental

SCHEMA_VERSION = 1


def fingerprint(*values: object) -> str:
    """Sixteen hexadecimal digits that name these values.

    >>> fingerprint({"a": 1}) == fingerprint({"a": 1}) != fingerprint({"a": 2})
    True
    """
    text = json.dumps([SCHEMA_VERSION, *map(significant, values)], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def significant(value: object) -> Any:
    """Plain data of a value, without its incidental fields."""
    if isinstance(value, BaseModel):
        kind = getattr(value, "address", "")
        return ({"kind": kind} if kind else {}) | {
            name: significant(getattr(value, name))
            for name, field in type(value).model_fields.items()
            if not any(isinstance(mark, Incidental) for mark in field.metadata)
        }
    if isinstance(value, dict):  # as pairs, for order can matter: the first stream defines the epoch
        return [[str(key), significant(each)] for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [significant(each) for each in value]
    return value


def flat(value: object, prefix: str = "") -> dict[str, Any]:
    """Every leaf of nested plain data or settings by its dotted path.

    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c.0': 2}
    """
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    if isinstance(data, dict) and data:
        items = [(str(key), each) for key, each in data.items()]
    elif isinstance(data, list) and data:
        items = [(str(index), each) for index, each in enumerate(data)]
    else:
        return {prefix: data}
    return {
        path: leaf for key, each in items for path, leaf in flat(each, f"{prefix}.{key}" if prefix else key).items()
    }


def differences(left: object, right: object) -> list[tuple[str, Any, Any]]:
    """What differs between two values: (path, in the left one, in the right one), ``None`` where it is absent.

    >>> differences({"a": 1, "b": 2}, {"a": 1, "b": 3})
    [('b', 2, 3)]
    """
    one, other = flat(left) | _orders(left), flat(right) | _orders(right)
    paths = [*one, *(path for path in other if path not in one)]
    found = [(path, one.get(path), other.get(path)) for path in paths if one.get(path) != other.get(path)]
    return [row for row in found if not row[0].endswith(_ORDER) or sorted(row[1] or ()) == sorted(row[2] or ())]


_ORDER = " (order)"


def _orders(value: object, prefix: str = "") -> dict[str, Any]:
    """The order of the names in every mapping, by its path: two recipes may differ in nothing else."""
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    if isinstance(data, dict):
        inner = [(f"{prefix}.{key}" if prefix else str(key), each) for key, each in data.items()]
        found = {f"{prefix or 'names'}{_ORDER}": list(map(str, data))}
    else:
        inner = [(f"{prefix}.{i}", each) for i, each in enumerate(data)] if isinstance(data, list) else []
        found = {}
    return found | {path: names for place, each in inner for path, names in _orders(each, place).items()}
