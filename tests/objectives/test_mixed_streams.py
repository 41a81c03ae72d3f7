"""What the student sees where one stream is mixed into the other, and where augmentations are off."""

from __future__ import annotations

import torch

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.spec import Spec
from earmark.objectives.look import Look
from earmark.signal.augment.gain import Gain
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.mixing.partners import Partner
from earmark.signal.augment.mixing.shares.fixed import Fixed
from earmark.signal.view import build_view
from tests.tiny import RATE_HZ, VIEW, stream_of, view_and_network

MIXING = Mixup(p=1, share=Fixed(share=0.5), labels="union", partner=Partner(stream="noisy"))


def batches() -> dict[str, Batch]:
    """Constant clips: curated at 1, noisy at 8, 16, ...; their ids and targets tell them apart as well."""
    made = {}
    for name, levels, c in (("curated", [1.0] * 4, 0), ("noisy", [8.0, 16.0], 1)):
        batch = stream_of(batch_size=len(levels)).batch(0)
        ids = tuple(f"{name} {i}" for i in range(len(levels)))
        targets = torch.zeros_like(batch.targets)
        targets[:, c] = 1.0
        values = torch.tensor(levels)[:, None].expand_as(batch.values).contiguous()
        made[name] = batch.changed(values=values, targets=targets, ids=ids)
    return made


def look_of(made: dict[str, Batch], *steps: object, augment: bool = True) -> Look:
    view = build_view(steps, Spec("wave", RATE_HZ))  # type: ignore[arg-type]
    return Look(view, view_and_network()[1], made, Chance(0), 0.0, augment)


def test_curated_clips_have_noisy_partners_and_stay_themselves():
    made = batches()
    seen = look_of(made, MIXING).seen(("curated",))
    assert seen.ids == made["curated"].ids and seen.guests == () and len(seen.values) == 4
    assert sorted(seen.values[:, 0].tolist()) == [4.5, 4.5, 8.5, 8.5]
    assert seen.targets.tolist() == [[1.0, 1.0, 0.0]] * 4
    assert torch.equal(seen.origins, made["curated"].origins)


def test_the_noisy_stream_mixes_with_itself():
    look = look_of(batches(), MIXING)
    for view in range(8):
        seen = look.seen(("noisy",), view)
        assert seen.ids == ("noisy 0", "noisy 1") and seen.values[:, 0].tolist() == [12.0, 12.0]
        assert seen.targets.tolist() == [[0.0, 1.0, 0.0]] * 2


def test_both_together_are_the_two_of_them():
    look = look_of(batches(), MIXING, *VIEW)
    both = look.seen(("curated", "noisy"))
    assert both.ids == look.seen(("curated",)).ids + look.seen(("noisy",)).ids and both.guests == ()
    assert look.logits(("curated", "noisy")).shape[0] == 6


def test_two_views_have_different_partners():
    made = batches()
    look = look_of(made, MIXING.model_copy(update={"partner": Partner(stream="noisy", choice="uniform")}))
    views = [look.seen(("curated",), view).values[:, 0].tolist() for view in range(8)]
    assert len({tuple(view) for view in views}) > 1


def test_where_augmentations_are_off_every_stream_and_view_is_clean():
    made = batches()
    look = look_of(made, Gain(p=1), MIXING, *VIEW, augment=False)
    for streams in (("curated",), ("noisy",)):
        for view in (0, 1):
            assert torch.equal(look.seen(streams, view).values, look.view(made[streams[0]]).values)
