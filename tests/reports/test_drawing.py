"""Figures: nothing is left behind, names are text, any size stays readable, the same input gives the same picture."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from earmark.reports.class_figures import class_bars, confusion_map
from earmark.reports.clip_figures import clip_figure
from earmark.reports.curves import curves, learning_curves
from earmark.reports.drawing import PALETTE, inline_svg
from earmark.reports.report import ClassTable, ConfusionTable, Guess, WorstClip
from earmark.reports.tables import confusions, per_class_table, worst_clips

ODD_NAMES = [
    "<script>",
    "$\\frac{a}{b}$",
    "鳥の声",
    "a\x00b\ud800",
    "x" * 300,
    'q"uote & amp',
    "_hidden",
    "plain",
    "last",
]


def texts(figure: Figure) -> list[str]:
    """All text in the picture as it goes into a page, each with its element gone."""
    root = ElementTree.fromstring(inline_svg(figure, "f", "a figure"))
    return ["".join(element.itertext()) for element in root.iter("text")]


def global_settings() -> dict[str, object]:
    """Matplotlib's; all but one, which picks a backend when it is read."""
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}


def class_table(n: int) -> ClassTable:
    values = np.linspace(0.9, 0.1, n)
    return ClassTable(
        tuple(f"Class_{i}" for i in range(n)), np.arange(n), values, values - 0.05, values + 0.05, values, None
    )


def test_drawing_leaves_no_trace(evaluated, hear, history):
    case = evaluated([f"Class_{i}" for i in range(6)])
    before, had_pyplot = global_settings(), "matplotlib.pyplot" in sys.modules
    figures = [learning_curves(history), confusion_map(confusions(case.classes, case.truth, case.scores))]
    figures += class_bars(per_class_table(case.classes, case.truth, case.scores, n_resamples=20))
    figures += [clip_figure(clip) for clip in worst_clips(case.predictions, case.truth, 2, hear=hear)]
    for figure in figures:
        inline_svg(figure, "f", "a figure")
    assert global_settings() == before
    assert ("matplotlib.pyplot" in sys.modules) == had_pyplot
    if had_pyplot:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


def test_a_picture_is_deterministic_and_holds_no_address_and_no_date(history):
    first, second = (inline_svg(learning_curves(history), "curves", "Curves") for _ in range(2))
    assert first == second
    assert "http" not in first and "<metadata" not in first and "<style" not in first
    assert not re.search(r"<!|<\?", first)


def test_pictures_of_one_page_share_no_names(history):
    ids = [set(re.findall(r'\bid="([^"]+)"', inline_svg(learning_curves(history), name, ""))) for name in ("a", "b")]
    assert ids[0] and ids[0].isdisjoint(ids[1])
    svg = inline_svg(learning_curves(history), "a", "")
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    assert used == ids[0]


def test_the_colours_of_the_house_follow_the_page(history):
    svg = inline_svg(learning_curves(history), "curves", "Curves")
    assert "var(--ink)" in svg and "var(--blue)" in svg
    assert not set(re.findall(r"#[0-9a-f]{6}", svg)) & {light for light, _ in PALETTE.values()}


def test_what_is_read_out_is_escaped():
    svg = inline_svg(learning_curves([{"total": 1.0}]), "f", '"><script>')
    assert "<script>" not in svg
    assert ElementTree.fromstring(svg).get("aria-label") == '"><script>'


def test_odd_names_are_shown_as_text(evaluated, hear):
    case = evaluated(ODD_NAMES, n_clips=80)
    said = texts(class_bars(per_class_table(case.classes, case.truth, case.scores, n_resamples=20))[0])
    assert {"<script>", "$\\frac{a}{b}$", "鳥の声", 'q"uote & amp', "_hidden"} <= set(said)
    assert any(name.startswith("xxx") and "…" in name and len(name) < 40 for name in said)
    assert "<script>" in texts(confusion_map(confusions(case.classes, case.truth, case.scores)))
    clip = worst_clips(case.predictions, case.truth, 1, hear=hear, n_top=9)[0]
    assert any("$\\frac{a}{b}$" in text for text in texts(clip_figure(clip)))


@pytest.mark.parametrize("n", [1, 3, 12, 13, 80, 527])
def test_every_class_has_its_bar_in_reading_order_on_figures_of_a_page(n):
    table = class_table(n)
    figures = class_bars(table)
    shown = [label.get_text() for f in figures for axes in f.axes for label in axes.get_yticklabels()]
    assert shown == [f"Class_{i}" for i in range(n)]
    assert all(figure.get_size_inches()[1] < 9 for figure in figures)
    counted = [
        text.get_text() for f in figures for axes in f.axes for text in axes.texts if text.get_text() != "labels"
    ]
    assert counted == [str(i) for i in range(n)]


def test_classes_without_labels_have_no_bar():
    values = np.array([0.5, np.nan])
    table = ClassTable(("a", "b"), np.array([3, 0]), values, values, values, values)
    assert [label.get_text() for label in class_bars(table)[0].axes[0].get_yticklabels()] == ["a"]
    nothing = np.full(2, np.nan)
    assert class_bars(ClassTable(("a", "b"), np.array([0, 0]), nothing, nothing, nothing, nothing)) == ()


@pytest.mark.parametrize("n", [2, 3, 200])
def test_the_map_shows_the_most_confused_classes_and_puts_pairs_side_by_side(n):
    counts = np.zeros((n, n), np.int64)
    counts[0, n - 1] = counts[n - 1, 0] = 9
    counts[1, 0] = 1
    np.fill_diagonal(counts, 0)
    table = ConfusionTable(tuple(f"c{i}" for i in range(n)), np.full(n, 10), counts)
    names = [label.get_text() for label in confusion_map(table).axes[0].get_yticklabels()]
    assert len(names) == min(n, 3)
    assert abs(names.index("c0") - names.index(f"c{n - 1}")) == 1


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"epoch": 1, "total": 0.5, "bce": 0.5, "held_out_lwlrap": 0.3, "lr": 1e-3, "clips_per_s": 10.0}],
        [{"epoch": 1, "note": "text", "total": None}, {"epoch": 2, "total": float("nan")}],
        [{"total": 1.0}, {"total": 0.001}],
        [{"epoch": 3, "held_out_lwlrap": 0.5, "held_out_map": 0.4}, {"epoch": 4, "held_out_map": 0.5}],
        [{"epoch": e, **{f"part{i}": 1.0 / e for i in range(9)}} for e in (1, 2, 3)],
        [{"epoch": 1, "lr": 0.0, "gradient_norm": 0.0}, {"epoch": 2, "lr": 0.0, "gradient_norm": 0.0}],
        [{"epoch": 1, "total": -0.5}, {"epoch": 1, "total": -0.7}],
    ],
    ids=["none", "one epoch", "no numbers", "wide", "sparse", "nine parts", "zeros", "negative, epoch twice"],
)
def test_any_history_can_be_drawn(rows):
    said = texts(learning_curves(rows))
    assert said and "nan" not in " ".join(said)


def test_the_best_and_the_last_epoch_are_said():
    rows = [{"epoch": e, "held_out_lwlrap": v} for e, v in ((1, 0.4), (2, 0.75), (3, 0.7))]
    assert "last 0.700, best 0.750 in epoch 2" in texts(learning_curves(rows))


def test_one_part_that_is_the_total_is_drawn_once():
    figure = learning_curves([{"epoch": e, "total": 1 / e, "bce": 1 / e} for e in (1, 2)])
    assert [len(axes.lines) for axes in figure.axes] == [1]
    assert "bce" in texts(figure)


def test_curves_keep_only_numbers():
    found = curves([{"epoch": None, "a": 1, "flag": True, "s": "x"}, {"a": float("inf")}])
    assert set(found) == {"a"}
    np.testing.assert_array_equal(found["a"].epochs, [1, 2])
    np.testing.assert_array_equal(found["a"].values, [1, np.nan])


def test_a_clip_says_which_of_its_labels_were_placed_where():
    top = (Guess("Bark", 0.9, 1), Guess("Meow", 0.2, 2), Guess("Rain", 0.01, 17))
    said = texts(clip_figure(WorstClip("c", np.zeros(0, np.float32), 0, ("Meow", "Rain"), top, 0.1)))
    assert {"Bark", "✓ Meow", "✓ Rain (no. 17)", "0.90", "its sound is not at hand"} <= set(said)


def test_losses_of_one_epoch_that_are_far_apart_have_an_axis() -> None:
    figure = learning_curves([{"epoch": 1, "total": 0.7, "labels": 0.7, "alike": 1e-6}])  # warnings are errors here
    axes = figure.axes[0]
    assert axes.get_yscale() == "log" and axes.get_ylim()[0] > 0
