"""Several notebooks at once: threads wait for kernels, the kernels do the work."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

from crmlab.errors import InputError

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")


def checked_jobs(jobs: int | None) -> int:
    """How many notebooks to run at once; as many as there are cores if `jobs` is None."""
    if jobs is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InputError(f"jobs must be a whole number from 1, got {jobs!r}")
    return jobs


def each(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int
) -> Iterator[tuple[Item, Result]]:
    """Call ``function(item)`` for all items in `jobs` threads; yields ``(item, value)`` as they finish.

    On Ctrl-C, or when the caller stops iterating, the kernels that are running are killed and the rest of
    the items left alone.
    """
    from crmlab.notebook import kernels

    items = iter(items)
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="notebook")
    waiting = {}
    try:
        while True:
            while len(waiting) < jobs and (item := next(items, waiting)) is not waiting:
                waiting[pool.submit(function, item)] = item
            if not waiting:
                return
            # A limited wait: on Windows Ctrl-C does not end an unlimited one.
            done, _ = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()
    finally:
        while waiting:  # only when interrupted; a thread may be starting a kernel at this very moment
            kernels.end_all()
            done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                del waiting[future]
        pool.shutdown()


def bar(total: int, what: str, unit: str, done: int = 0, shown: bool = True) -> "tqdm[Any]":
    """A progress bar with the time left, on standard error; written seldom where that is no terminal."""
    import sys

    from tqdm import tqdm

    return tqdm(
        total=total,
        desc=what,
        unit=unit,
        initial=done,
        file=sys.stderr,
        disable=not shown,
        mininterval=0.2 if sys.stderr.isatty() else 10,
        dynamic_ncols=True,
    )
