"""A page of sections: whole, escaped, the same every time; and its figures, from nothing to a great many classes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from earmark.reports.clip_figures import excerpt
from earmark.reports.drawing import inline_svg, new_figure
from earmark.reports.page import Grid, Page, Picture, Prose, Section, Sounds, render_page
from earmark.reports.set_figures import (
    AreaRow,
    Panel,
    areas,
    average_spectra,
    class_counts,
    clip_map,
    distributions,
)
from earmark.reports.together_figures import together_map
from tests.reports.test_html import EVIL
from tests.reports.test_html import Page as Parsed

CHANCE = np.random.default_rng(0)


def sections() -> tuple[Section, ...]:
    sound = excerpt(np.ones(800, np.float32), 8000)
    assert sound is not None
    figure = new_figure(1.0)
    figure.text(0.5, 0.5, "inside the picture")
    return (
        Section("words", "Words", [Prose(EVIL), Prose("quiet", muted=True)]),
        Section(
            "tables",
            "Tables",
            [
                Grid(
                    ("name", "n", "share"), [(EVIL, 1234, 0.5), ("b", None, float("nan"))], caption="A table", n_more=7
                ),
                Grid(("x",), [("folded away",)], folded="Open me"),
                Grid(("nothing",), []),
            ],
        ),
        Section(
            "pictures", "Pictures", [Picture(figure, EVIL, "Below it"), Picture(new_figure(1), "x", folded="More")]
        ),
        Section("sounds", "Sounds", [Sounds([[("one", sound), (EVIL, sound)], []])]),
        Section("empty", "Nothing to see", []),
    )


@pytest.fixture(scope="module")
def text() -> str:
    return render_page(Page(EVIL, "of tests \ud800", [("leak", EVIL), ("note", "by the way")], sections()))


def test_the_page_is_whole_and_escaped(text: str) -> None:
    page = Parsed(text)
    assert "script" not in page.tags and "onerror" not in {name for _, name, _ in page.attributes}
    assert page.text.count(EVIL) >= 5
    assert {value for _, name, value in page.attributes if name == "src"} <= {
        value for _, _, value in page.attributes if value and value.startswith("data:audio/wav")
    }
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    text.encode()  # half a character in a name is no reason not to be written


def test_everything_is_shown_and_a_section_without_content_is_not(text: str) -> None:
    page = Parsed(text)
    for words in (
        "quiet",
        "A table",
        "1,234",
        "0.500",
        "and 7 more",
        "Open me",
        "folded away",
        "Below it",
        "by the way",
    ):
        assert words in page.text, words
    assert "inside the picture" in page.text
    assert page.text.count("–") == 2  # what is not there
    assert page.tags.count("audio") == 2 and page.tags.count("details") == 2
    assert 'id="empty"' not in text and "Nothing to see" not in text


def test_the_same_page_gives_the_same_text() -> None:
    assert render_page(Page("x", sections=sections())) == render_page(Page("x", sections=sections()))


@pytest.mark.parametrize("n_classes", [1, 3, 37, 130])
def test_counts_of_any_number_of_classes(n_classes: int) -> None:
    names = [f"A_class_with_a_rather_long_name_{at}" for at in range(n_classes)]
    counts = {name: CHANCE.integers(0, 5000, n_classes) for name in ("curated", "noisy", "test", "of another kind")}
    drawn(class_counts(names, counts))
    drawn(class_counts(names, {"curated": np.zeros(n_classes, np.int64)}))


def test_distributions_of_anything() -> None:
    panels = [
        Panel("Ordinary", "dB", {"curated": CHANCE.normal(size=50), "noisy": CHANCE.normal(1, size=80)}, "effect 0.5"),
        Panel("All the same", "s", {"curated": np.full(10, 3.0), "noisy": np.full(5, 3.0)}, is_log=True),
        Panel("Logarithmic", "s", {"curated": CHANCE.uniform(0.3, 30, 40)}, is_log=True),
        Panel("Not a number", "Hz", {"curated": np.full(4, np.nan), "test": np.zeros(0)}),
        Panel("One", "", {"unlabelled": np.array([1.0, np.inf])}),
    ]
    assert "nothing measured" in drawn(distributions(panels))


def test_spectra_areas_and_maps() -> None:
    hz = np.geomspace(30, 20000, 64)
    drawn(
        average_spectra(
            hz, {"curated": CHANCE.normal(size=(5, 64)).astype(np.float32), "test": np.zeros((1, 64), np.float32)}
        )
    )
    row = AreaRow("everything", 0.9, 0.85, 0.95)
    assert "a or b" in drawn(areas({"a or b": [row, AreaRow("level", 0.3, 0.2, 0.4)], "a or c": [row]}))
    places = CHANCE.normal(size=(300, 2)).astype(np.float32)
    labels = [None if at % 7 == 0 else f"Class ${at % 40}$" for at in range(300)]
    said = drawn(clip_map(places, ["curated", "noisy", "test"] * 100, labels))
    assert said.count("<image") == 2 and "Class $1$" in said  # marks as pixels, names as text
    drawn(clip_map(places[:1], ["test"], [None]))


@pytest.mark.parametrize("n_classes", [2, 5, 45])
def test_labels_that_come_together(n_classes: int) -> None:
    counts = CHANCE.integers(0, 5, (n_classes, n_classes))
    counts = np.triu(counts, 1) + np.triu(counts, 1).T + np.diag(np.full(n_classes, 20))
    counts[0, 1] = counts[1, 0] = 17
    said = drawn(together_map(tuple(f"class {at}" for at in range(n_classes)), counts))
    assert ">17<" in said


def drawn(figure: Figure) -> str:
    return str(inline_svg(figure, "it", "says"))
