"""Whatever an install of earmark or of one of its extras pulls in has one exact version in constraints.txt."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}
OF_THE_DEVICE = re.compile(r"nvidia-|cuda-|triton")
"""What torch brings for a GPU: of which build that is, is no choice of this project."""


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_every_requirement_is_pinned_within_its_range(extra: str) -> None:
    for text in EXTRAS[extra]:
        asked = Requirement(text)
        name = canonicalize_name(asked.name)
        assert name in PINS, f"{name} of extra '{extra}' has no exact version in constraints.txt"
        assert asked.specifier.contains(PINS[name]), f"{name}=={PINS[name]} is not {asked.specifier}"


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_what_requirements_pull_in_is_pinned_as_well(extra: str) -> None:
    """As far as it is installed here; of what is not, nobody knows what it pulls in."""
    waiting = [Requirement(text) for text in EXTRAS[extra]]
    seen: set[str] = set()
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        if name in seen or OF_THE_DEVICE.match(name):
            continue
        seen.add(name)
        assert name in PINS, f"{name}, which comes with extra '{extra}', has no exact version in constraints.txt"
        try:
            pulled = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting += [each for text in pulled if _holds(each := Requirement(text), asked.extras)]
    assert seen


def _holds(asked: Requirement, extras: set[str]) -> bool:
    """Whether a requirement stands here, for one who asked for these extras."""
    return asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in {"", *extras})
