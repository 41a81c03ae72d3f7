"""Batches made ahead of time in threads, in order, with errors that reach the caller.

Reading a batch is copying from a memory map, which releases the interpreter: threads do, nothing is pickled, and a
change of settings reaches every worker at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from earmark.core.errors import DataError, EarmarkError

T = TypeVar("T")


def prefetch(make: Callable[[int], T], numbers: Iterable[int], *, ahead: int = 4, workers: int = 1) -> Iterator[T]:
    """``make(n)`` for each n in order, up to ``ahead`` of them under way while the caller works.

    Args:
        ahead: how many are made ahead; 0 makes each when it is asked for.

    Raises:
        DataError: one could not be made; which one, and why. Errors of earmark's own come as they are.
    """
    if ahead < 1:
        yield from (_made(make, number) for number in numbers)
        return
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="earmark-prefetch") as pool:
        try:
            for number in numbers:
                pending.append(pool.submit(_made, make, number))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _made(make: Callable[[int], T], number: int) -> T:
    try:
        return make(number)
    except (EarmarkError, MemoryError):
        raise
    except Exception as error:
        raise DataError(f"batch {number} could not be made: {type(error).__name__}: {error}") from error
