"""Maps of squares: each place has the square and the words that it was given, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from earmark.reports.drawing import INK, LINE, SURFACE, new_figure
from earmark.reports.squares import draw_squares, side_by_side

NAMES = ["a", "b", "c"]
DEPTHS = np.array([[np.nan, 0.2, 1.7], [0.9, np.nan, np.nan], [0.0, 0.5, np.nan]])


def test_squares_are_as_dark_as_their_depth_and_words_can_be_read_on_them() -> None:
    axes = new_figure(3.0).add_subplot()
    words = [["", "ab", "ac"], ["ba", "", "never"], ["", "cb", ""]]
    draw_squares(axes, DEPTHS, words, NAMES)
    squares, grey = axes.collections
    alphas = [round(float(colour[3]), 3) for colour in squares.get_facecolor()]
    assert alphas == [0.248, 1.0, 0.906, 0.06, 0.53], "row by row; what is deeper than 1 is no darker"
    assert len(grey.get_paths()) == 3 and to_hex(grey.get_facecolor()[0]) == LINE
    written = {text.get_text(): (text.get_position(), text.get_color()) for text in axes.texts}
    assert written == {
        "ab": ((1, 0), INK),
        "ac": ((2, 0), SURFACE),
        "ba": ((0, 1), SURFACE),
        "cb": ((1, 2), INK),
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == NAMES


def test_a_map_may_have_no_diagonal_of_its_own() -> None:
    axes = new_figure(3.0).add_subplot()
    draw_squares(axes, np.eye(2), [["", ""], ["", ""]], ["a", "b"], diagonal=False)
    assert len(axes.collections) == 1 and len(axes.collections[0].get_paths()) == 4


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_things_stay_in_their_order(n: int) -> None:
    assert side_by_side(np.ones((n, n))).tolist() == list(range(n))


def test_what_belongs_together_lies_side_by_side() -> None:
    shares = np.zeros((6, 6))
    for one, other in ((0, 5), (1, 3), (2, 4)):
        shares[one, other] = shares[other, one] = 0.9
    order = side_by_side(shares).tolist()
    assert sorted(order) == list(range(6))
    assert all(abs(order.index(one) - order.index(other)) == 1 for one, other in ((0, 5), (1, 3), (2, 4)))
