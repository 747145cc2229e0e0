"""Grading on a Mac, simulated: what macOS lacks fails here as it does there.

There is no SOCK_SEQPACKET, no /proc, no prctl, no limit on memory and no setting of processors; ps tells of
processes in its own format.
"""

import os
import socket
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from crmlab.errors import InputError
from crmlab.grading import building, grade_batch
from crmlab.grading.inside import metering
from crmlab.grading.inside.channel import Channel

from .probe import FRESH, LIMITS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")

# Run in the warm process before anything of ours is imported there.
MAC = """
import builtins, errno, os, resource, socket, sys
sys.platform = "darwin"
for name in ("sched_setaffinity", "sched_getaffinity", "unshare", "setns"):
    if hasattr(os, name):
        delattr(os, name)

def hidden(real):
    def look(path, *rest, **options):
        if isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith("/proc"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return real(path, *rest, **options)
    return look

builtins.open, os.open, os.listdir = hidden(builtins.open), hidden(os.open), hidden(os.listdir)
set_limit = resource.setrlimit

def setrlimit(which, limits):
    if which == resource.RLIMIT_AS:
        raise ValueError("current limit exceeds maximum limit")
    set_limit(which, limits)

resource.setrlimit = setrlimit
socketpair = socket.socketpair

def pair(family=socket.AF_UNIX, kind=socket.SOCK_STREAM, proto=0):
    if kind == socket.SOCK_SEQPACKET:
        raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")
    return socketpair(family, kind, proto)

socket.socketpair = pair
import ctypes
library = ctypes.CDLL

class WithoutPrctl:
    def __init__(self, *rest, **options):
        self.real = library(*rest, **options)
    def __getattr__(self, name):
        if name in ("prctl", "capset", "unshare", "setns"):
            raise AttributeError(f"dlsym(RTLD_DEFAULT, {name}): symbol not found")
        return getattr(self.real, name)

if len(sys.argv) > 1:
    import crmlab.grading.inside.confine as confine
    confine._libc = WithoutPrctl(None, use_errno=True)
    from crmlab.grading.inside import zygote
    zygote.main(False, sys.argv[2:])
"""


@pytest.fixture
def mac(monkeypatch):
    """This process and the warm ones take themselves for a Mac's."""
    real = socket.socketpair

    def pair(family=socket.AF_UNIX, kind=socket.SOCK_STREAM, proto=0):
        if kind == socket.SOCK_SEQPACKET:
            raise OSError(93, "Protocol not supported")
        return real(family, kind, proto)

    monkeypatch.setattr(socket, "socketpair", pair)
    monkeypatch.setattr(sys, "platform", "darwin")
    for name in ("sched_setaffinity", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr(
        building, "weak_command", lambda preload: [sys.executable, "-P", "-s", "-c", MAC, "weak", *preload]
    )
    building.strong.cache_clear()
    yield
    building.strong.cache_clear()


def test_a_mac_refuses_and_names_the_flag_docker_and_a_virtual_machine(mac, course, master):
    course.hand_in("s1")
    with pytest.raises(InputError, match="--allow-weak-walls") as raised:
        grade_batch(master, course.submissions, FRESH)
    assert "Docker" in str(raised.value) and "Linux virtual machine" in str(raised.value)


def test_windows_is_shown_its_way(monkeypatch, course, master):
    monkeypatch.setattr(sys, "platform", "win32")
    building.strong.cache_clear()
    try:
        course.hand_in("s1")
        with pytest.raises(InputError, match="Windows Subsystem for Linux"):
            grade_batch(master, course.submissions, FRESH, allow_weak_walls=True)
    finally:
        building.strong.cache_clear()


def test_a_mac_grades_behind_weak_walls_and_claims_no_more(mac, course, master):
    course.hand_in("honest")
    course.hand_in("endless", q1="while True:\n    pass")
    course.hand_in("sleeps", q1="import time\ntime.sleep(600)")
    course.hand_in("exits", q1="import os\nos._exit(3)")
    course.hand_in("honest_too")
    found = grade_batch(master, course.submissions, FRESH, jobs=1, allow_weak_walls=True,
                        limits=replace(LIMITS, processes=4000))  # fmt: skip
    assert [each.score for each in found] == [6, 4, 4, 4, 6]
    assert [found[at].questions[0].verdict for at in (1, 2, 3)] == ["timeout", "timeout", "exited"]
    assert {"environment", "temporary folder", "clock", "output"} <= set(found[0].walls)
    assert not {"limits", "process tree", "network", "disk", "processes"} & set(found[0].walls)


def test_what_ps_says_is_read():
    assert metering._seconds("0:00.02") == pytest.approx(0.02)
    assert metering._seconds("12:03.50") == pytest.approx(723.5)
    assert metering._seconds("1-02:03:04") == 86400 + 2 * 3600 + 184
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent("""
        held = bytearray(60_000_000)
        print("ready", flush=True)
        input()
    """)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        child.stdout.readline()
        table = metering._Processes().read()
        parent, held, _ = table[child.pid]
        assert parent == os.getpid() and held > 60_000_000
    finally:
        child.communicate(b"\n")


def test_messages_stay_apart_and_bring_their_pipes():
    mine, end = Channel.pair()
    theirs = Channel(end)
    reading, writing = os.pipe()
    try:
        mine.send({"start": 1}, [writing])
        mine.send({"look": True})
        assert theirs.receive() == {"start": 1}
        (pipe,) = theirs.take_pipes()
        os.write(pipe, b"x")
        os.close(pipe)
        assert os.read(reading, 1) == b"x" and theirs.take_pipes() == []
        assert theirs.receive() == {"look": True} and not theirs.pending
        theirs.settimeout(0.05)
        with pytest.raises(OSError, match="timed out"):
            theirs.receive()
        mine.close()
        assert theirs.receive() is None
    finally:
        theirs.close()
        os.close(reading)
        os.close(writing)
