"""Guesses from a file instead of labels: whose, sharpened how, and mixed with whom."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.data.tables import read_predictions
from earmark.losses.mse import MSE
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective
from earmark.objectives.sharpening.power import Power
from earmark.objectives.terms.pseudo_labels import PseudoLabels
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.mixing.shares.fixed import Fixed
from tests.some_terms import CLASSES, batches, guesses, material, objective_for, objective_with_parts, part_of
from tests.tiny import PLAIN


@pytest.fixture
def file(tmp_path):
    return {"file": str(guesses(tmp_path / "guesses.parquet"))}


def look_of(objective: Objective) -> Look:
    return Look(objective.view, objective.network, batches(), Chance(0), 1.0)


def given(file: dict[str, str], ids: tuple[str, ...]) -> Tensor:
    found = read_predictions(file["file"]).aligned(ids, CLASSES).on("probability")
    return torch.from_numpy(found.scores.astype(np.float32))


def test_as_akiyama_and_sato_learn_from_noisy_clips(file):
    """Squares scaled to a sum of one, squared error, a weight of 20."""
    term = PseudoLabels(guesses=file, sharpening=Power(exponent=2, sum_to_one=True))
    objective = objective_for(term, PLAIN, weight=20).eval()
    look = look_of(objective)
    lost = objective.terms[0](look, ("noisy",))
    square = given(file, batches()["noisy"].ids) ** 2
    wanted = (look.logits(("noisy",)).sigmoid() - square / square.sum(dim=1, keepdim=True)).square().mean(dim=1)
    torch.testing.assert_close(lost, wanted)
    assert objective.parts["it"].weight_at(3.0) == 20


@pytest.mark.parametrize("law", ["hard", "top_k"])
def test_hard_pseudo_labels_are_yes_or_no(file, law):
    """Those above a threshold, or the most likely one of each clip and nothing else."""
    settings = {"hard": {"kind": "hard", "threshold": 0.6}, "top_k": {"kind": "top_k", "k": 1, "others": "zero"}}
    objective = objective_for(PseudoLabels(guesses=file, sharpening=settings[law]), PLAIN).eval()
    look = look_of(objective)
    lost = objective.terms[0](look, ("noisy",))
    p = given(file, batches()["noisy"].ids)
    wanted = (p >= 0.6).float() if law == "hard" else torch.eye(3)[p.argmax(dim=1)]
    assert 0 < float(wanted.sum()) < 12 and not torch.equal(wanted, batches()["noisy"].targets)
    torch.testing.assert_close(lost, (look.logits(("noisy",)).sigmoid() - wanted).square().mean(dim=1))


def test_unknown_labels_are_known_by_their_guesses(file):
    term = PseudoLabels(guesses=file, sharpening=None)
    objective = objective_for(term, PLAIN).eval()
    made = {"noisy": batches()["noisy"].changed(known=torch.zeros(4, 3, dtype=torch.bool))}
    look = Look(objective.view, objective.network, made, Chance(0), 1.0)
    wanted = MSE()(look.logits(("noisy",)), given(file, made["noisy"].ids), torch.ones(4, 3, dtype=torch.bool))
    torch.testing.assert_close(objective.terms[0](look, ("noisy",)), wanted)


def test_nothing_is_learnt_from_clips_without_a_guess(tmp_path):
    ids = batches()["noisy"].ids
    path = guesses(tmp_path / "it.parquet", ids=ids[:3], scores=np.ones((3, 3)), folds=np.zeros(3, np.int64))
    term = PseudoLabels(guesses={"file": str(path), "partial": True}, sharpening=None)
    objective = objective_for(term, PLAIN).eval()
    assert (objective.terms[0](look_of(objective), ("noisy",)) > 0).tolist() == [True, True, True, False]
    assert "9 of 12 clips" in objective.notes[0]


def test_who_is_not_guessed_brings_labels(file):
    term = PseudoLabels(guesses=file, sharpening=None, origins=("noisy",))
    objective = objective_for(term, PLAIN).eval()
    look = look_of(objective)  # all clips of the tiny world are curated
    plain = MSE()(look.logits(("noisy",)), batches()["noisy"].targets, batches()["noisy"].known)
    torch.testing.assert_close(objective.terms[0](look, ("noisy",)), plain)


def test_where_clips_are_mixed_guesses_are_mixed(file):
    halves = Mixup(p=1, share=Fixed(share=0.5), labels="linear")
    objective = objective_with_parts({"it": part_of(PseudoLabels(guesses=file, sharpening=None))}, PLAIN, halves)
    look, term = look_of(objective.eval()), objective.terms[0]
    seen, _ = look.relabelled(("noisy",), term._guessed)
    own = given(file, batches()["noisy"].ids)
    mates = 2 * seen.targets - own
    assert not torch.equal(seen.targets, own)
    for row in mates:
        assert float((own - row).abs().sum(dim=1).min()) < 1e-5


def test_guesses_that_leak_are_refused_or_noted(file):
    for leak in (False, True):
        objective = objective_for(PseudoLabels(guesses={**file, "leak": leak}), PLAIN)
        if leak:
            objective.meet(material(1))
            assert "may have learnt from the held-out fold" in objective.notes[0]
        else:
            with pytest.raises(SettingsError, match="not out of fold 1"):
                objective.meet(material(1))
            objective.meet(material(0))
            assert objective.notes == ()
