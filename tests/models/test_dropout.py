"""Dropout that is drawn from named chance leaves no trace."""

from __future__ import annotations

import torch

from earmark.core.chance import Chance
from earmark.models.dropout import drawn_by


def test_what_falls_is_named_and_what_follows_is_as_if_nothing_had_been():
    def drawn(seed: int) -> torch.Tensor:
        with drawn_by(Chance(seed), torch.device("cpu")):
            return torch.nn.functional.dropout(torch.ones(64))

    torch.manual_seed(3)
    after = torch.rand(4)
    torch.manual_seed(3)
    one = drawn(5)
    assert torch.equal(torch.rand(4), after)
    assert torch.equal(drawn(5), one) and not torch.equal(drawn(6), one)
