"""What a run has used: processor time, memory, sockets; read from ``/proc`` by the warm process."""

import os
import time

TICKS = os.sysconf("SC_CLK_TCK")
_DEFAULT_SOCKET = 212_992


def children(pid: int) -> list[int]:
    """Processes that `pid` has started, or that have become its own."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(each) for each in file.read().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """All processes under `pid`."""
    found, open_ = [], [pid]
    while open_:
        below = children(open_.pop())
        found += below
        open_ += below
    return found


class Meter:
    """Processor time that a run has used, and time in which it waited for a processor."""

    def __init__(self):
        self.computed = self.waited = 0.0
        self.last, self.when = {}, time.monotonic()

    def read(self, pids: list[int]) -> tuple[float, float]:
        """Both up to now, in seconds."""
        self.computed = max(self.computed, sum(map(_computed, pids)))
        delays = {task: delay for pid in pids for task, delay in _delays(pid)}
        now = time.monotonic()
        longest = max((delay - self.last.get(task, 0.0) for task, delay in delays.items()), default=0.0)
        self.waited += min(max(longest, 0.0), now - self.when)
        self.last, self.when = delays, now
        return self.computed, self.waited


def _computed(pid):
    """Processor seconds of a process and of the children that it has waited for."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS
    except (OSError, ValueError):
        return 0.0


def _delays(pid):
    """``(thread, seconds)`` that it was ready to run and did not."""
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                yield task, int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return


def private(pid: int) -> int:
    """Memory that a process does not share, in bytes."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file if line.count(":") == 1)
    except (OSError, ValueError):
        return 0
    return 1024 * sum(int(lines.get(name, "0 kB").split()[0]) for name in ("Pss_Anon", "Pss_Shmem"))


def sockets() -> int:
    """Bytes that the sockets of this network namespace can hold: kernel memory, in no process's account.

    Each holds at most its send buffer, which may be set to twice ``wmem_max``.
    """
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
            count = sum(1 for _ in file) - 1
    except OSError:
        return 0
    return count * 2 * _largest_buffer() if count > 0 else 0


def _largest_buffer():
    try:
        with open("/proc/sys/net/core/wmem_max", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return _DEFAULT_SOCKET
