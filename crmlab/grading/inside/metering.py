"""What a run has used: processor time, memory, sockets; asked by the warm process.

Linux tells it in ``/proc``. Elsewhere, on a Mac, ``ps`` knows the processes, their processor time and memory;
how long one waited for a processor is not known there, and counts.
"""

import os
import re
import subprocess
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")
_DEFAULT_SOCKET = 212_992


_PS = ("ps", "-A", "-o", "pid=,ppid=,rss=,time=")
_FRESH = 0.3  # seconds for which what ps said is good enough


class _Processes:
    """What ``ps`` says: ``{pid: (parent, bytes, processor seconds)}``."""

    def __init__(self):
        self.table, self.when = {}, -_FRESH

    def read(self):
        if time.monotonic() - self.when >= _FRESH:
            done = subprocess.run(_PS, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            rows = (line.split() for line in done.stdout.splitlines())
            self.table = {
                int(row[0]): (int(row[1]), 1024 * int(row[2]), _seconds(row[3]))
                for row in rows
                if len(row) == 4
            }
            self.when = time.monotonic()
        return self.table


def _seconds(text):
    """``1-02:03:04``, ``2:03:04`` or ``3:04.56`` in seconds."""
    days, _, clock = text.rpartition("-")
    total = 86400.0 * int(days or 0)
    for scale, part in zip((1, 60, 3600), reversed(re.split(":", clock))):
        total += scale * float(part)
    return total


_processes = _Processes()
_OF_LINUX = sys.platform == "linux"


def threads() -> int:
    """How many threads this process has; 1 where nothing tells."""
    return len(os.listdir("/proc/self/task")) if _OF_LINUX else 1


def children(pid: int) -> list[int]:
    """Processes that `pid` has started, or that have become its own."""
    if not _OF_LINUX:
        table = _processes.read()
        return [each for each, (parent, _, _) in table.items() if parent == pid]
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
    if not _OF_LINUX:
        return _processes.read().get(pid, (0, 0, 0.0))[2]
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS
    except (OSError, ValueError):
        return 0.0


def _delays(pid):
    """``(thread, seconds)`` that it was ready to run and did not."""
    if not _OF_LINUX:
        return
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                yield task, int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return


def private(pid: int) -> int:
    """Memory that a process does not share, in bytes; by ``ps``, what it holds beyond the warm process."""
    if not _OF_LINUX:
        table = _processes.read()
        own = table.get(os.getpid(), (0, 0, 0.0))[1]
        return max(table.get(pid, (0, 0, 0.0))[1] - own, 0)
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
