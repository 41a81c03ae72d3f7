"""What must answer at once imports nothing heavy: checked by what is imported, not by a clock."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "polars", "matplotlib", "scipy", "sklearn", "lightning_fabric", "soundfile")
LIGHT = (
    "earmark.core.errors",
    "earmark.core.settings",
    "earmark.core.family",
    "earmark.core.fingerprint",
    "earmark.core.yaml_text",
    "earmark.core.spec",
    "earmark.core.chance",
    "earmark.data.sources.source",
    "earmark.data.folds.folds",
)
HELP = """
import sys
from earmark.cli.main import run
sys.argv = ["earmark", "--help"]
try:
    run()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


def heavy_after(code: str) -> tuple[list[str], str]:
    """The heavy modules that a fresh interpreter has imported after running this code, and what it printed."""
    report = "\nimport sys\nprint('\\n--imported--')\nprint('\\n'.join(sys.modules))\n"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    printed, _, imported = done.stdout.partition("\n--imported--\n")
    return sorted(set(HEAVY) & set(imported.split())), printed


def test_importing_earmark_is_light() -> None:
    assert heavy_after("import earmark")[0] == []


def test_what_the_command_line_reads_recipes_with_is_light() -> None:
    assert heavy_after("".join(f"import {name}\n" for name in LIGHT))[0] == []


def test_the_first_help_is_light() -> None:
    heavy, printed = heavy_after(HELP)
    assert heavy == []
    assert "Usage" in printed


def test_the_test_can_fail() -> None:
    assert heavy_after("import soundfile")[0] == ["soundfile"]
