"""The page about a cleaning: one file without script, whatever classes and clips are called."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from earmark.reports.verdicts import VerdictReport, render_verdicts, verdict_bars

WORDS = ("keep", "add", "drop", "out_of_vocabulary", "unknown")


def report(classes: tuple[str, ...], n: int = 3) -> VerdictReport:
    by_class = {word: np.arange(len(classes)) * (i + 1) % (n + 1) for i, word in enumerate(WORDS)}
    return VerdictReport(
        title="Labels cleaned by <rule>",
        lines=["12 labels were judged"],
        counts={word: int(by_class[word].sum()) for word in WORDS},
        classes=classes,
        by_class=by_class,
        doubtful=[("<script>x</script>.wav", classes[0], "present", "drop", "0.020", "lrap 0.1; $x$")],
    )


@pytest.mark.parametrize("n_classes", [1, 3, 200])
def test_the_page_says_it_and_runs_nothing(n_classes: int) -> None:
    page = render_verdicts(report(tuple(f"<b>&{i}" for i in range(n_classes))))
    assert page == render_verdicts(report(tuple(f"<b>&{i}" for i in range(n_classes)))), "the same text each time"
    assert "<script" not in page and "&lt;script&gt;" in page and "<b>" not in page
    assert "12 labels were judged" in page and "lrap 0.1; $x$" in page and "out of vocabulary" in page
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    assert ElementTree.fromstring(svg).get("role") == "img"


def test_the_bars_are_as_long_as_the_counts() -> None:
    made = report(("a", "b", "c"))
    axes = verdict_bars(made).axes[0]
    total = sum(patch.get_width() for patch in axes.patches)
    assert total == sum(made.counts.values())
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["b", "c"], "classes without a verdict are left out"
