"""Several notebooks at once: threads wait for kernels, the kernels do the work, here or on a cluster."""

import os
import sys
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


def is_on_cluster() -> bool:
    """Whether joblib has been told to work elsewhere: ``joblib.parallel_config(backend="dask")``, for one."""
    parallel = sys.modules.get("joblib.parallel")
    if parallel is None:
        return False
    backend, _ = parallel.get_active_backend()
    local = [each for each in parallel.BACKENDS.values() if each.__module__.startswith("joblib._parallel")]
    return not isinstance(backend, tuple(local))


def each_on_cluster(
    function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result]]:
    """What `each` does, by the workers of joblib's cluster; function, items and results travel to them.

    Ctrl-C, or a caller who stops iterating, ends the rest.
    """
    from joblib import Parallel, delayed

    def paired(item: Item) -> tuple[Item, Result]:
        return item, function(item)

    yield from Parallel(return_as="generator_unordered")(delayed(paired)(item) for item in items)


def bar(total: int, what: str, unit: str, done: int = 0, shown: bool = True) -> "tqdm[Any]":
    """A progress bar with the time left, on standard error; written seldom where that is no terminal."""
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
