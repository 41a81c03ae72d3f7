"""FixMatch: what counts as sure, of which class, and from which view to which."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.losses.bce import BCE
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Step
from earmark.objectives.terms.fixmatch import Adaptive, FixMatch
from earmark.schedules.schedule import Place
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.mixing.shares.fixed import Fixed
from tests.some_terms import batches, objective_for, objective_with_parts, part_of
from tests.tiny import PLAIN


def look_of(objective: Objective) -> Look:
    return Look(objective.view, objective.network, batches(), Chance(0), 1.0)


def by_hand(objective: Objective, present: Tensor, absent: float) -> Tensor:
    look = look_of(objective)
    with torch.no_grad():
        guess = objective.network(objective.view(batches()["noisy"])).sigmoid()
    there, gone = guess >= present, guess <= absent
    known = (there | gone) & there.any(dim=1, keepdim=True)
    return BCE()(look.logits(("noisy",)), there.float(), known)


@pytest.mark.parametrize(("present", "absent"), [(0.7, 0.05), (0.3, 0.0), (0.99, 0.5)])
def test_sure_guesses_of_the_clean_clip_are_learnt_from_the_augmented_one(present, absent):
    objective = objective_for(FixMatch(present=present, absent=absent), PLAIN).eval()
    lost = objective.terms[0](look_of(objective), ("noisy",))
    torch.testing.assert_close(lost, by_hand(objective, torch.tensor(present), absent))
    assert bool((lost > 0).any()) == (present < 0.9)


def test_a_class_may_have_a_threshold_of_its_own():
    term = FixMatch(present=0.95, per_class={"a": 0.3})
    objective = objective_for(term, PLAIN).eval()
    lost = objective.terms[0](look_of(objective), ("noisy",))
    torch.testing.assert_close(lost, by_hand(objective, torch.tensor([0.3, 0.95, 0.95]), 0.05))
    assert bool((lost > 0).all())
    with pytest.raises(SettingsError, match=r"threshold for class 'dogs' .* there are: a, b, c"):
        objective_for(FixMatch(per_class={"dogs": 0.3}))


def test_thresholds_follow_how_sure_the_student_is_where_a_class_comes_first():
    objective = objective_for(FixMatch(present=0.8, adaptive=Adaptive(decay=0.75, least=0.1)), PLAIN).eval()
    term = objective.terms[0]
    assert term._bars().tolist() == pytest.approx([0.8] * 3)
    objective(Step(batches(), Chance(0), 1.0))
    with torch.no_grad():
        guess = objective.network(objective.view(batches()["noisy"])).sigmoid()
    first = guess.argmax(dim=1)
    objective.after_step(Place(1, 3, 9))
    wanted = [1.0, 1.0, 1.0]
    for c in set(first.tolist()):
        wanted[c] = 0.75 + 0.25 * float(guess[first == c, c].mean())
    assert term.sureness.tolist() == pytest.approx(wanted)
    term.sureness.copy_(torch.tensor([0.9, 0.45, 0.09]))
    assert term._bars().tolist() == pytest.approx([0.8, 0.4, 0.1])


def test_where_clips_are_mixed_guesses_are_mixed():
    halves = Mixup(p=1, share=Fixed(share=0.5), labels="linear")
    objective = objective_with_parts({"it": part_of(FixMatch(present=0.3, absent=0.29))}, PLAIN, halves).eval()
    asked: list[Tensor] = []

    class Listening(BCE, kind="listening"):
        def __call__(self, logits: Tensor, targets: Tensor, known: Tensor) -> Tensor:
            asked.append(targets)
            return super().__call__(logits, targets, known)

    term = objective.terms[0]
    term.settings = term.settings.model_copy(update={"loss": Listening()})
    objective(Step(batches(), Chance(0), 1.0))
    with torch.no_grad():
        sure = (objective.network(objective.view(batches()["noisy"])).sigmoid() >= 0.3).float()
    torch.testing.assert_close(asked[0].sum(dim=0), sure.sum(dim=0))
    assert set(asked[0].unique().tolist()) <= {0.0, 0.5, 1.0}


def test_labels_are_not_looked_at_and_clips_of_which_nothing_is_sure_are_left_out():
    objective = objective_for(FixMatch(present=0.999), PLAIN).train()
    losses = objective(Step(batches(), Chance(0), 1.0))
    assert float(losses.total.detach()) == 0 and float(losses.signs["it"]["confident"]) == 0
    with_absent = objective_for(FixMatch(present=0.999, only_with_present=False, absent=0.3), PLAIN).train()
    assert float(with_absent(Step(batches(), Chance(0), 1.0)).total.detach()) > 0
