from __future__ import annotations

import io

import numpy as np

from earmark.reports.rates import RateTest, rates_figure


def figure_of(**changes):
    rates = np.geomspace(1e-5, 1, 50)
    losses = np.concatenate([np.linspace(1, 0.3, 40), np.geomspace(0.3, 1e6, 10)])
    return rates_figure(RateTest(rates, losses, losses, 1e-3, 1e-2)._replace(**changes))


def test_the_end_that_shoots_up_does_not_flatten_the_rest():
    (axes,) = figure_of().axes
    low, high = axes.get_ylim()
    assert low < 0.3 and 1.0 < high < 2.0
    assert axes.get_xscale() == "log"


def test_rates_are_written_as_people_write_them():
    figure = figure_of()
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert "1e-03" in labels and not any("$" in label for label in labels)


def test_what_is_suggested_is_marked_and_written():
    (axes,) = figure_of().axes
    assert "steepest 1.0e-03" in axes.get_title("right") and "1.0e-02" in axes.get_title("right")
    assert [line.get_xdata()[0] for line in axes.lines[2:]] == [1e-3, 1e-2]
    (axes,) = figure_of(steepest=None, tenth=None).axes
    assert len(axes.lines) == 2 and "never fell" in axes.get_title("right")


def test_a_flat_loss_can_be_drawn():
    flat = np.full(50, 0.7)
    figure = figure_of(losses=flat, smooth=flat)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
