from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from earmark.core.errors import DataError, RunError
from earmark.data.prefetch import prefetch

every_way = pytest.mark.parametrize(("ahead", "workers"), [(0, 1), (1, 1), (4, 1), (4, 3), (1, 3)])


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("earmark-prefetch")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert threads() == []


def slow_at_first(number: int) -> int:
    time.sleep(0.01 if number % 3 == 0 else 0)
    return number * number


@every_way
def test_batches_come_in_order_whoever_is_faster(ahead, workers):
    numbers = [5, 3, 9, 9, 0, 2, 6, 1]
    assert list(prefetch(slow_at_first, numbers, ahead=ahead, workers=workers)) == [n * n for n in numbers]
    assert list(prefetch(slow_at_first, [], ahead=ahead, workers=workers)) == []


@every_way
def test_an_error_comes_in_its_turn_with_the_number_of_the_batch(ahead, workers):
    def make(number: int) -> int:
        if number >= 3:
            raise ValueError(f"no {number} today")
        return number

    made = prefetch(make, range(9), ahead=ahead, workers=workers)
    assert [next(made) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DataError, match="batch 3 could not be made: ValueError: no 3 today") as raised:
        next(made)
    assert isinstance(raised.value.__cause__, ValueError)
    assert threads() == []
    assert list(made) == []


@every_way
@pytest.mark.parametrize("error", [RunError("the run is gone"), MemoryError("no more")])
def test_errors_of_our_own_and_of_memory_come_as_they_are(ahead, workers, error):
    def make(number: int) -> int:
        raise error

    with pytest.raises(type(error)) as raised:
        next(prefetch(make, range(3), ahead=ahead, workers=workers))
    assert raised.value is error


def test_a_batch_that_hangs_does_not_hold_up_the_error_of_an_earlier_one():
    release = threading.Event()

    def make(number: int) -> int:
        if number == 0:
            raise ValueError("at once")
        release.wait(5)
        return number

    made = prefetch(make, range(5), ahead=3, workers=2)
    timer = threading.Timer(0.05, release.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(DataError, match="batch 0"):
        next(made)
    assert time.monotonic() - began < 2
    timer.join()


@pytest.mark.parametrize("n_taken", [0, 1, 3])
def test_closing_early_leaves_no_thread_and_makes_no_more(n_taken):
    made_numbers: list[int] = []

    def make(number: int) -> int:
        made_numbers.append(number)
        time.sleep(0.002)
        return number

    made = prefetch(make, range(1000), ahead=4, workers=2)
    for _ in range(n_taken):
        next(made)
    made.close()  # type: ignore[attr-defined]
    assert threads() == []
    assert len(made_numbers) <= n_taken + 5
    assert (n_taken > 0) == bool(made_numbers)


def test_what_has_not_begun_when_the_caller_leaves_is_never_made():
    release, made_numbers = threading.Event(), []

    def make(number: int) -> int:
        if number:
            release.wait(5)
        made_numbers.append(number)
        return number

    made = prefetch(make, range(1000), ahead=50)
    assert next(made) == 0
    timer = threading.Timer(0.05, release.set)
    timer.start()
    made.close()  # type: ignore[attr-defined]
    timer.join()
    assert made_numbers in ([0], [0, 1])


def test_no_more_than_ahead_are_made_while_the_caller_works():
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            asked.append(number)
            yield number

    made = prefetch(lambda number: number, numbers(), ahead=3, workers=2)
    for taken in range(1, 20):
        next(made)
        assert len(asked) == taken + 3
    made.close()  # type: ignore[attr-defined]


def test_batches_are_made_while_the_caller_works():
    begun = threading.Event()

    def make(number: int) -> int:
        if number == 1:
            begun.set()
        return number

    made = prefetch(make, range(3), ahead=1)
    next(made)
    assert begun.wait(5)
    assert list(made) == [1, 2]


def test_an_error_in_the_numbers_passes_through():
    def numbers() -> Iterator[int]:
        yield 0
        raise KeyError("progress")

    with pytest.raises(KeyError, match="progress"):
        list(prefetch(lambda number: number, numbers()))
