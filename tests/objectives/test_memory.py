"""Running averages by clip, registers of clips, and the labels that are probably missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from earmark.core.batch import Batch
from earmark.objectives.material import Material
from earmark.objectives.memory import Memory
from earmark.objectives.missing import MissingLabels, MissingModule
from earmark.schedules.schedule import Place
from tests.some_terms import CLASSES, batches, guesses, material
from tests.tiny import clips_of


def test_averages_move_by_the_decay_from_the_first_visit_on():
    memory = Memory(0.75, 3, 2)
    memory.take(torch.tensor([2]), torch.tensor([[0.8, 0.4]]))
    memory.take(torch.tensor([2, 0]), torch.tensor([[0.0, 0.4], [1.0, 1.0]]))
    average, seen = memory.recall(torch.tensor([0, 1, 2, -1]))
    assert seen.tolist() == [True, False, True, False]
    torch.testing.assert_close(average, torch.tensor([[1.0, 1.0], [0.0, 0.0], [0.6, 0.4], [0.0, 0.0]]))
    torch.testing.assert_close(memory.moved(torch.tensor([1]), torch.tensor([[0.3, 0.3]])), torch.tensor([[0.3, 0.3]]))


def test_a_clip_that_comes_twice_counts_once_and_strangers_not_at_all():
    memory = Memory(0.5, 2, 1)
    memory.take(torch.tensor([1, -1, 1]), torch.tensor([[0.2], [0.9], [0.6]]))
    assert memory.average.flatten().tolist() == pytest.approx([0.0, 0.4, 0.0])
    assert memory.n_seen.tolist() == [0, 2 - 1, 0]


def test_several_processes_remember_the_same(monkeypatch):
    """As if the other process had heard of one clip more."""
    more = {torch.int64: torch.tensor([0]), torch.float32: torch.tensor([[1.0]])}
    monkeypatch.setattr("earmark.objectives.memory.of_all_processes", lambda each: torch.cat([each, more[each.dtype]]))
    memory = Memory(0.5, 2, 1)
    memory.take(torch.tensor([1]), torch.tensor([[0.5]]))
    assert memory.average.flatten().tolist() == [1.0, 0.5, 0.0]


def test_a_register_knows_each_clip_once_by_name():
    register = material().of(("curated", "noisy"))
    assert register.ids == tuple(sorted(f"clip {i}" for i in range(12))) and len(register) == 12
    batch = batches()["noisy"]
    rows = register.rows(batch)
    assert [register.ids[row] for row in rows] == list(batch.ids)
    assert np.array_equal(register.targets[rows], batch.targets.numpy())
    assert register.rows(batch.changed(ids=("x", *batch.ids[1:])))[0] == -1
    assert len(material().of(("noisy",), ("unlabelled",))) == 0


def test_the_prior_is_that_of_curated_clips_where_there_are_some():
    mixed = clips_of((100,) * 6, origins=[0, 0, 1, 1, 1, 1])
    found = Material(CLASSES, {"it": mixed}).prior()
    assert found.tolist() == pytest.approx([0.5, 0.5, 0.0])
    noisy = Material(CLASSES, {"it": clips_of((100,) * 6, origins=[1] * 6)}).prior()
    assert noisy.tolist() == pytest.approx([1 / 3] * 3)


def some() -> Batch:
    return batches()["noisy"]


def rule(settings: MissingLabels) -> MissingModule:
    module = MissingModule(settings)
    module.meet(material(0), ("noisy",), "stream 'noisy'")
    return module


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_just_the_share_of_absent_labels_is_ignored_the_most_probable_ones(tmp_path, share):
    path = guesses(tmp_path / "it.parquet")
    module = rule(MissingLabels(share=share, guesses={"file": str(path)}))
    assert module.given is not None
    absent = module.given[module.absent]
    assert int((absent > module.cut).sum()) == int(share * 24)
    for number in range(3):
        batch = batches(number)["noisy"]
        made = module.believed(batch, 0.0)
        doubted = batch.known & ~made.known
        guessed = module.given[module.register.rows(batch)]
        assert torch.equal(doubted, (guessed > module.cut) & (batch.targets == 0))
        assert torch.equal(made.targets, batch.targets), "ignored, not flipped"


def test_present_and_unknown_labels_stay_and_so_do_those_of_others(tmp_path):
    file = {"file": str(guesses(tmp_path / "it.parquet"))}
    low = MissingLabels(threshold=0.001, share=None, guesses=file)
    made = rule(low).believed(some(), 0.0)
    assert torch.equal(made.known, some().targets > 0), "every absent label is above that"
    assert torch.equal(rule(low.model_copy(update={"origins": ("noisy",)})).believed(some(), 0.0).known, some().known)
    late = rule(low.model_copy(update={"from_epoch": 2.0}))
    assert bool(late.believed(some(), 1.9).known.all()) and not bool(late.believed(some(), 2.0).known.all())


def test_running_averages_decide_from_the_end_of_the_first_epoch_on():
    module = rule(MissingLabels(share=0.5, decay=0.0))
    module.take(module.register.rows(some()), torch.full((4, 3), 0.9))
    module.after_step(Place(1, 3, 2))
    assert bool(module.believed(some(), 0.5).known.all())
    module.after_step(Place(3, 3, 2))
    ignored = ~module.believed(some(), 1.0).known
    assert int(ignored.sum()) == 8 and not bool((ignored & (some().targets > 0)).any())
    others = next(b["noisy"] for b in map(batches, range(1, 3)) if not set(b["noisy"].ids) & set(some().ids))
    assert bool(module.believed(others, 1.0).known.all()), "nothing is known of those"


def test_either_a_share_or_a_threshold():
    for settings in ({"share": None}, {"threshold": 0.5}):
        with pytest.raises(ValidationError, match="either a share or a threshold"):
            MissingLabels(**settings)
