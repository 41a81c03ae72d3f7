"""What travels: masks of the signal, and batches that know nothing yet."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core.batch import signal_mask, waves


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(0, 9))
def test_the_mask_is_true_up_to_the_length_and_false_behind(lengths: list[int], n: int) -> None:
    mask = signal_mask(torch.tensor(lengths), n)
    assert mask.dtype == torch.bool and mask.shape == (len(lengths), n)
    assert mask.tolist() == [[place < length for place in range(n)] for length in lengths]


def test_waves_for_prediction_claim_no_label() -> None:
    batch = waves(torch.zeros(2, 5), torch.tensor([5, 3]), 16000, ("a", "b"), n_classes=3)
    assert len(batch) == 2 and batch.domain == "wave"
    assert not batch.known.any() and batch.targets.shape == (2, 3)
    moved = batch.to(torch.device("cpu")).changed(domain="features")
    assert moved.domain == "features" and batch.domain == "wave" and moved.values is not None
