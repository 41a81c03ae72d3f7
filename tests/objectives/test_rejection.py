"""Which clips of a batch count."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import fbeta_score

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.objectives.rejection import Gate, Outliers, of_origins
from tests.losses.rows import rows

CURATED, NOISY, UNLABELLED = 0, 1, 2


def test_clips_of_some_origins():
    origins = torch.tensor([NOISY, CURATED, UNLABELLED, NOISY])
    assert of_origins(origins, ("noisy",)).tolist() == [True, False, False, True]
    assert of_origins(origins, ("unlabelled", "curated")).tolist() == [False, True, True, False]
    assert of_origins(origins, None).tolist() == [True] * 4


def test_noisy_clips_that_lose_nearly_as_much_as_the_worst_are_dropped():
    lost = torch.tensor([10.0, 9.0, 8.0, 7.9, 1.0])
    origins = torch.tensor([CURATED, NOISY, NOISY, NOISY, NOISY])
    everybody = torch.ones(5, dtype=torch.bool)
    assert Outliers().kept(lost, origins, everybody).tolist() == [True, False, True, True, True]
    assert Outliers(origins=None).kept(lost, origins, everybody).tolist() == [False, False, True, True, True]


def test_who_does_not_count_has_no_say_in_what_the_worst_is():
    lost, origins = torch.tensor([100.0, 9.0, 1.0]), torch.full((3,), NOISY)
    counted = torch.tensor([False, True, True])
    assert Outliers().kept(lost, origins, counted).tolist() == [True, False, True]


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_the_gate_is_the_f_measure_of_a_reference(beta):
    logits, targets, known = rows()
    everything = torch.ones_like(known)
    logits[3] = 8 * targets[3] - 4
    said = logits.sigmoid() > 0.2
    for below in (0.3, 0.7, 1.0):
        kept = Gate(beta=beta, below=below).kept(logits, targets, everything)
        for i in range(1, len(kept)):
            wanted = fbeta_score(targets[i].numpy(), said[i].numpy(), beta=beta, zero_division=0)
            assert bool(kept[i]) == (wanted < below), (i, below)
    assert kept[0] and not kept[3]


def test_what_is_not_known_is_neither_right_nor_wrong():
    logits, targets = torch.tensor([[5.0, 5.0, -5.0]]), torch.tensor([[1.0, torch.nan, 0.0]])
    assert not Gate().kept(logits, targets, torch.tensor([[True, False, True]]))
    targets[0, 1] = 0
    assert Gate().kept(logits, targets, torch.tensor([[True, True, True]]))


def test_an_unknown_origin_is_refused_by_its_name():
    with pytest.raises(SettingsError, match="did you mean 'noisy'"):
        read(Outliers, {"origins": ["noise"]})
