"""What every sharpening must keep to, and the published ones by their numbers."""

from __future__ import annotations

import pytest
import torch

from earmark.objectives.sharpening.around import Around
from earmark.objectives.sharpening.hard import Hard
from earmark.objectives.sharpening.logit_temperature import LogitTemperature
from earmark.objectives.sharpening.power import Power
from earmark.objectives.sharpening.sharpening import Sharpening
from earmark.objectives.sharpening.sigmoid_twice import SigmoidTwice
from earmark.objectives.sharpening.top_k import TopK

every_sharpening = pytest.mark.parametrize("kind", Sharpening.members())


def guesses(n: int = 6, n_classes: int = 7) -> torch.Tensor:
    return torch.rand(n, n_classes, generator=torch.Generator().manual_seed(0))


@every_sharpening
def test_targets_are_chances_and_each_clip_is_for_itself(kind):
    sharpen = Sharpening.members()[kind]()
    made = sharpen(guesses())
    assert made.shape == guesses().shape and bool(((made >= 0) & (made <= 1)).all())
    torch.testing.assert_close(torch.cat([sharpen(row[None]) for row in guesses()]), made)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(sharpen(guesses()[:, order]), made[:, order])


@every_sharpening
def test_no_class_overtakes_another(kind):
    made = Sharpening.members()[kind]()(guesses())
    before = guesses()[:, :, None] - guesses()[:, None]
    after = made[:, :, None] - made[:, None]
    assert bool((after[before >= 0] >= -1e-6).all())


@every_sharpening
def test_the_ends_are_finite(kind):
    made = Sharpening.members()[kind]()(torch.tensor([[0.0, 1.0, 0.5], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    assert bool(made.isfinite().all())


def test_the_law_of_mixmatch_for_two_answers():
    """p^(1/T) / (p^(1/T) + (1 - p)^(1/T)), which is a temperature of logits."""
    p = guesses().double()
    wanted = p**2 / (p**2 + (1 - p) ** 2)
    torch.testing.assert_close(LogitTemperature(temperature=0.5)(p), wanted, rtol=1e-4, atol=1e-6)


def test_what_akiyama_and_sato_do_to_their_guesses():
    made = Power(exponent=2, sum_to_one=True)(torch.tensor([[0.6, 0.3, 0.0]]))
    torch.testing.assert_close(made, torch.tensor([[0.8, 0.2, 0.0]]))
    assert Power(exponent=2)(torch.tensor([[0.6, 0.3]])).tolist()[0] == pytest.approx([0.36, 0.09])
    assert Power(exponent=2, sum_to_one=True)(guesses()).sum(dim=1).tolist() == pytest.approx([1.0] * 6)


def test_sharpening_around_a_threshold_by_its_published_values():
    made = Around()(torch.tensor([[0.0, 0.5, 1.0]]))
    assert made.tolist()[0] == pytest.approx([0.0067, 0.5, 0.9933], abs=1e-4)


def test_the_most_likely_are_there_though_nothing_is_likely():
    made = TopK()(torch.tensor([[0.1, 0.2, 0.2], [0.0, 0.0, 0.0]]))
    assert made.tolist() == [[pytest.approx(0.1), 1.0, pytest.approx(0.2)], [1.0, 0.0, 0.0]]
    assert TopK(k=2, others="zero")(torch.tensor([[0.1, 0.3, 0.2]])).tolist() == [[0.0, 1.0, 1.0]]
    assert TopK(k=9)(guesses()).min() == 1


def test_hard_ones_are_yes_or_no():
    assert Hard(threshold=0.2)(torch.tensor([[0.19, 0.2]])).tolist() == [[0.0, 1.0]]


def test_the_published_mistake_says_perhaps_to_everything():
    made = SigmoidTwice()(torch.linspace(0, 1, 11)[None])
    assert float(made.min()) == 0.5 and float(made.max()) == pytest.approx(0.6225, abs=1e-4)
