"""What the pages say is true where a machine can tell."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from earmark.cli.main import app
from earmark.core.settings import read
from earmark.core.yaml_text import parse
from earmark.stages.recipe import Recipe

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_recipe_in_the_readme_is_one() -> None:
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL):
        read(Recipe, parse(block))


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"earmark {command.name or command.callback.__name__}" in text


def test_the_tree_in_the_readme_is_the_tree() -> None:
    tree = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The tree")[2]
    packages = {path.parent.name for path in (ROOT / "earmark").glob("*/__init__.py")}
    for name in (*packages, "bench", "tests", "docs", "scripts"):
        assert re.search(rf"^\s*{name}/\s+\S", tree, re.MULTILINE), f"the tree says nothing of {name}/"


def test_the_changelog_speaks_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
