"""Pieces side by side: all are done, errors come out, and threads, modes and forks do not get in the way."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from earmark.dsp.threads import side_by_side


@pytest.fixture(params=[1, 3])
def n_threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_every_piece_is_done_once_on_threads_that_do_not_split_it(n_threads):
    done, threads = [], set()

    def work(piece: int) -> None:
        done.append(piece)
        threads.add(torch.get_num_threads())

    side_by_side(work, range(100))
    assert sorted(done) == list(range(100))
    assert threads == {1}
    assert torch.get_num_threads() == n_threads
    side_by_side(work, [])


def test_threads_that_come_later_have_as_many_as_ever(n_threads):
    side_by_side(lambda piece: None, range(3))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == n_threads


def test_an_error_comes_out(n_threads):
    def work(piece: int) -> None:
        if piece == 2:
            raise ValueError(f"piece {piece}")

    with pytest.raises(ValueError, match="piece 2"):
        side_by_side(work, range(5))


def test_nothing_is_recorded_and_inference_mode_is_passed_on(n_threads):
    seen = []
    for inference in (False, True):
        with torch.inference_mode(inference):
            made = torch.zeros(4)
            side_by_side(lambda i: (made[i].fill_(1.0), seen.append(torch.is_grad_enabled())), range(4))  # noqa: B023
            assert made.sum() == 4
    assert seen == [False] * 8


def test_pieces_may_themselves_come_in_pieces(n_threads):
    done = []
    side_by_side(lambda i: side_by_side(lambda j: done.append((i, j)), range(3)), range(3))
    assert len(set(done)) == 9


def test_several_callers_at_once(n_threads):
    counts = [0] * 4

    def call(caller: int) -> None:
        def work(piece: int) -> None:
            counts[caller] += piece

        torch.set_num_threads(n_threads)
        side_by_side(work, [1] * 50)

    callers = [threading.Thread(target=call, args=(i,)) for i in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert counts == [50] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_its_own_threads(n_threads):
    side_by_side(lambda piece: None, range(3))
    child = os.fork()
    if child == 0:
        done: list[int] = []
        torch.set_num_threads(n_threads)
        side_by_side(done.append, range(5))
        os._exit(0 if sorted(done) == list(range(5)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
