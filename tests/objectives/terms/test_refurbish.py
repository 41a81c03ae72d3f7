"""Labels mended by running averages."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.losses.bce import BCE
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Step
from earmark.objectives.terms.refurbish import Refurbish
from earmark.schedules.schedule import Place
from earmark.signal.augment.mixing.mixup import Mixup
from tests.some_terms import batches, objective_for, objective_with_parts, part_of
from tests.tiny import PLAIN

AVERAGES = torch.tensor([[0.95, 0.5, 0.02], [0.05, 0.97, 0.9], [0.5, 0.5, 0.5], [0.99, 0.99, 0.99]])


def noisy() -> Batch:
    return batches()["noisy"].changed(targets=torch.eye(3)[[0, 0, 1, 2]])


def met(**settings: object) -> Objective:
    """An objective whose memory of the first three clips of the batch is as above, and none of the last."""
    objective = objective_for(Refurbish(**settings), PLAIN).eval()
    memory, rows = objective.terms[0].memory, objective.terms[0].register.rows(noisy())
    memory.take(rows[:3], AVERAGES[:3])
    return objective


def look_of(objective: Objective, epoch: float = 5.0) -> Look:
    return Look(objective.view, objective.network, {"noisy": noisy()}, Chance(0), epoch)


def targets_of(objective: Objective, epoch: float = 5.0) -> Tensor:
    return objective.terms[0]._mended(noisy(), torch.zeros(4, 3), epoch).targets


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("both", [[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 1]]),
        ("add", [[1, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0, 1]]),
        ("drop", [[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]]),
    ],
)
def test_where_the_average_is_certain_the_label_is_what_it_says(change, wanted):
    objective = met(change=change)
    assert targets_of(objective).tolist() == wanted
    assert torch.equal(targets_of(objective, epoch=0.9), noisy().targets)
    look = look_of(objective)
    lost = objective.terms[0](look, ("noisy",))
    by_hand = BCE()(look.logits(("noisy",)), torch.tensor(wanted).float(), noisy().known)
    torch.testing.assert_close(lost, by_hand)
    changes = (torch.tensor(wanted) - noisy().targets).abs().sum() / 4
    assert float(objective.terms[0].signs["changed"]) == pytest.approx(float(changes))


def test_a_blend_is_between_label_and_average():
    mended = targets_of(met(rule="blend", share=0.25))
    torch.testing.assert_close(mended[:3], 0.75 * noisy().targets[:3] + 0.25 * AVERAGES[:3])
    assert torch.equal(mended[3], noisy().targets[3]), "nothing is known of the last"


def test_the_reward_for_agreeing_with_the_average():
    objective = met(rule="early_learning", decay=0.7)
    look = look_of(objective)
    said = look.logits(("noisy",)).sigmoid()
    average = torch.cat([0.7 * AVERAGES[:3] + 0.3 * said[:3], said[3:]]).detach()
    agreement = said * average + (1 - said) * (1 - average)
    lost = objective.terms[0](look, ("noisy",))
    torch.testing.assert_close(lost, (1 - agreement).log().mean(dim=1), rtol=1e-4, atol=1e-5)
    assert not bool(objective.terms[0](look_of(objective, 0.5), ("noisy",)).any()), "not before its epoch"


def test_averages_are_of_clips_by_themselves_though_the_view_mixes():
    plain = objective_for(Refurbish(), PLAIN).eval()
    mixing = objective_with_parts({"it": part_of(Refurbish())}, PLAIN, Mixup(p=1)).eval()
    for objective in (plain, mixing):
        objective(Step(batches(), Chance(0), 1.0))
        objective.after_step(Place(1, 3, 9))
    # Augmentation is the same, so in evaluation the student says the same of each clip by itself.
    torch.testing.assert_close(mixing.terms[0].memory.average, plain.terms[0].memory.average)
    assert int(plain.terms[0].memory.n_seen.sum()) == 4
