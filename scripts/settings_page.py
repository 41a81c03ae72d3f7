"""Write docs/settings.md, the reference of every setting, from the classes themselves; --check only compares."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from earmark.cleaning.rules.rule import Rule  # noqa: F401 - brings in its family
from earmark.cli.showing import reference
from earmark.cli.values import values
from earmark.core.family import families
from earmark.core.settings import Settings
from earmark.stages.recipe import Recipe
from earmark.systems.system import System  # noqa: F401 - brings in its family

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"


def page() -> str:
    """The whole page."""
    lines = [
        "# Settings",
        "",
        "Made from the source by `make docs`; the same text is printed by `earmark show`.",
        "",
        *_section(Recipe, "recipe"),
    ]
    for name, root in sorted(families().items()):
        if name != "step":  # front ends and augmentations have sections of their own
            lines += [f"## {name}", ""]
            for kind, member in root.members().items():
                lines += _section(member, f"{name}.{kind}")
    lines += ["## Values that others are made of, and those of single commands", ""]
    for name, each in values().items():
        lines += _section(each, name)
    return "\n".join(lines).rstrip() + "\n"


def _section(settings: type[Settings], heading: str) -> Iterator[str]:
    yield f"### {heading}"
    yield ""
    yield "```"
    yield from list(reference(settings, heading))[1:]
    yield "```"
    yield ""


def main() -> None:
    """Write the page, or say that it is out of date."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/settings.md is out of date; run make docs")


if __name__ == "__main__":
    main()
