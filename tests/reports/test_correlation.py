from __future__ import annotations

import io

import numpy as np

from earmark.reports.correlation import correlation_map

MATRIX = np.array([[1.0, 0.5, 0.97], [0.5, 1.0, 0.6], [0.97, 0.6, 1.0]])


def written(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_every_pair_is_written_and_the_darkest_is_the_most_alike():
    figure = correlation_map(["one", "two", "three"], MATRIX)
    assert sorted(written(figure)) == sorted([".50", ".97", ".60"] * 2)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert abs(names.index("one") - names.index("three")) == 1, "those that are alike are neighbours"
    alphas = axes.collections[0].get_facecolor()[:, 3].reshape(3, 3)
    row, column = names.index("one"), names.index("three")
    apart = alphas[~np.eye(3, dtype=bool)]
    assert alphas[row, column] == apart.max() and alphas[names.index("one"), names.index("two")] == apart.min()


def test_who_was_left_out_is_in_brackets():
    (axes,) = correlation_map(["one", "two", "three"], MATRIX, left_out=["three"]).axes
    assert "(three)" in [label.get_text() for label in axes.get_xticklabels()]


def test_one_member_and_odd_names_can_be_drawn():
    for names, matrix in ((["$a_b$"], np.ones((1, 1))), (["x" * 80, "y"], np.array([[1.0, -0.2], [-0.2, 1.0]]))):
        buffer = io.BytesIO()
        correlation_map(names, matrix).savefig(buffer, format="png")
        assert buffer.getvalue().startswith(b"\x89PNG")
