"""Laws of named chance: numbers depend on the seed and the names, and on nothing else."""

import itertools

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core.chance import Chance

NAMES = st.dictionaries(
    st.text("abcxyz_", min_size=1, max_size=6).filter(lambda n: n != "purpose" and n != "self"),
    st.integers(0, 99) | st.text(max_size=4),
    max_size=4,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(), NAMES, st.randoms())
def test_the_order_of_the_names_plays_no_part(seed: int, names: dict[str, str | int], shuffle: object) -> None:
    items = list(names.items())
    shuffle.shuffle(items)  # type: ignore[attr-defined]
    assert Chance(seed).at("crop", **names) == Chance(seed).at("crop", **dict(items))


def test_other_names_or_seeds_give_other_numbers() -> None:
    chances = [
        Chance(seed).at(purpose, stream=stream, epoch=epoch, step=step)
        for seed, purpose, stream, epoch, step in itertools.product(
            (0, 1), ("crop", "mix"), ("curated", "noisy"), (0, 1, 11), (0, 1, 11)
        )
    ]
    numbers = [each.number() for each in chances]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**63 for number in numbers)


def test_names_do_not_run_into_one_another() -> None:
    assert Chance(1).at("a", b=12, c=3).number() != Chance(1).at("a", b=1, c=23).number()
    assert Chance(1).at("a").at("b").number() != Chance(1).at("b").at("a").number()


def test_names_add_up() -> None:
    assert Chance(3).at("crop", epoch=1) == Chance(3).at("crop").at(epoch=1)


def test_generators_replay_and_leave_the_global_state_alone() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tobytes()  # noqa: NPY002 - the state in question
    chance = Chance(7).at("mask", clip="a.wav")
    assert torch.equal(torch.rand(5, generator=chance.torch()), torch.rand(5, generator=chance.torch()))
    assert np.array_equal(chance.numpy().random(5), chance.numpy().random(5))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tobytes()  # noqa: NPY002


def test_the_numbers_are_the_same_on_every_machine() -> None:
    assert Chance(1).at("crop", stream="noisy", epoch=3, step=17).number() == 2500424877254442892
    assert Chance(1).at("crop").numpy().integers(1000, size=4).tolist() == [161, 786, 933, 156]
