"""The walls that a process builds around itself before it runs a student's code. Linux, by its own calls.

`confine` is called in a child that the warm process has just forked, in a process namespace of its own. After
it the child sees an empty ``/tmp``, its own ``/proc`` and a disk that it cannot write to; it is a user that
owns nothing, holds no privilege and can gain none; and the calls by which a process looks into others, builds
namespaces or reaches a network fail.
"""

import contextlib
import ctypes
import os
import platform
import resource
import struct
import sys
from typing import Any

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWPID = 0x00020000, 0x08000000, 0x20000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
_MS_BIND, _MS_REMOUNT = 0x1000, 0x20
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _CAPBSET_DROP, _CAP_AMBIENT, _SET_SECUREBITS = 38, 22, 24, 47, 28
_SET_CHILD_SUBREAPER = 36
_SECURE = 0b101111  # root's user id means nothing, and this is locked
FIRST_USER = 2_000_000_000  # user ids that no system gives out

_libc = ctypes.CDLL(None, use_errno=True)


class NoWall(OSError):
    """A wall could not be built."""


def call(name: str, *arguments: Any) -> int:
    """A C library call; raises `NoWall` if it fails."""
    result = getattr(_libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise NoWall(number, f"{name}: {os.strerror(number)}")
    return result


def confine(limits: dict[str, int], user: int) -> list[str]:
    """Build every wall, strongest last. Returns their names.

    Parameters
    ----------
    limits : dict
        ``memory``, ``files``, ``scratch`` in bytes, ``processes``, ``cpu`` in seconds.
    user : int
        Number of this run; a user id of its own is made of it where the process may choose one.

    Raises
    ------
    NoWall
        If one cannot be built. Nothing of a student's may run then.
    """
    own_disk(limits["scratch"])
    limit(limits)
    names = ["disk", "processes", "temporary folder", "limits"]
    bound_privileges()
    if os.getuid() == 0 and _all_users():
        os.setgroups([])
        os.setresgid(*[FIRST_USER + user] * 3)
        os.setresuid(*[FIRST_USER + user] * 3)
        names.append("user")
    drop_privileges()
    if filter_calls():
        names.append("system calls")
    return names


def _all_users():
    """Whether other user ids exist here: not so in an ordinary user's namespace."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return int(file.read().split()[2]) > FIRST_USER


def own_disk(scratch: int) -> bool:
    """Give this process file systems of its own, of `scratch` bytes in memory."""
    call("unshare", CLONE_NEWNS | CLONE_NEWIPC)
    call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    own_processes = True
    options = b"size=%d,nr_inodes=8192,mode=1777" % scratch
    # An environment that lies under /tmp itself would be hidden: it is held open, and bound back.
    held = {
        place: os.open(place, os.O_PATH)
        for place in (sys.base_prefix, sys.prefix)
        if place.startswith("/tmp/")
    }
    for place in (b"/dev/shm", b"/tmp"):
        call("mount", b"tmpfs", place, b"tmpfs", _MS_NOSUID | _MS_NODEV, options)
    for place, handle in held.items():
        os.makedirs(place, exist_ok=True)
        call("mount", b"/proc/self/fd/%d" % handle, place.encode(), None, _MS_BIND | _MS_REC, None)
        read_only = _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV
        call("mount", None, place.encode(), None, read_only, None)
        os.close(handle)
    try:
        call("mount", b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None)
    except NoWall:  # kernels that refuse it to ordinary users: then no /proc at all
        own_processes = False
        call(
            "mount",
            b"tmpfs",
            b"/proc",
            b"tmpfs",
            _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC,
            b"size=4k",
        )
    os.chdir("/tmp")
    return own_processes


def limit(limits: dict) -> None:
    """Limits on one process; `memory` is what it may use beyond what the warm process has."""
    pages = resource.getpagesize()
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * pages
    for name, value in _wanted(limits, now + limits["memory"]):
        _set_limit(name, value)


def limit_if_possible(limits: dict) -> bool:
    """As `limit`, where a system may lack some of them: macOS has none on memory. Whether all stand."""
    try:
        limit(limits)
        return True
    except (OSError, ValueError):
        pass
    for name, value in _wanted(limits, None):
        with contextlib.suppress(OSError, ValueError):
            _set_limit(name, value)
    return False


def _wanted(limits, memory):
    yield from {} if memory is None else {"AS": memory}.items()
    yield "CPU", limits["cpu"]
    yield "NPROC", limits["processes"]
    yield "FSIZE", limits["files"]
    yield from {"NOFILE": 256, "CORE": 0, "MSGQUEUE": 0}.items()


def _set_limit(name, value):
    number = getattr(resource, f"RLIMIT_{name}", None)
    if number is not None:
        _, most = resource.getrlimit(number)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(number, (value, value))


def adopt_orphans() -> bool:
    """Make processes that outlive their parent this process's children. Linux alone can."""
    if not hasattr(_libc, "prctl"):
        return False
    return _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def bound_privileges() -> None:
    """No capability by running any program. Needs the privileges that are dropped next."""
    for capability in range(64):
        _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    _libc.prctl(_CAP_AMBIENT, 4, 0, 0, 0)
    call("prctl", _SET_SECUREBITS, _SECURE, 0, 0, 0)


def drop_privileges() -> None:
    """No capability now, and none to be gained."""
    header = struct.pack("=Ii", 0x20080522, 0)
    call("capset", ctypes.c_char_p(header), ctypes.c_char_p(bytes(24)))
    call("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)


# ------------------------------------------------------------------------------------- filter of system calls

# Numbers of the calls that fail: on x86-64, on arm64. From the kernel's tables.
_DENIED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),  # keys outlive processes
    "memfd_create": (319, 279), "memfd_secret": (447, 447),  # memory that no limit counts
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "kexec_load": (246, 104), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "syslog": (103, 116), "acct": (163, 89), "swapon": (167, 224),
    "reboot": (169, 142), "quotactl": (179, 60), "personality": (135, 92), "fanotify_init": (300, 262),
    "sched_setaffinity": (203, 122),  # each worker keeps to its own processors
}  # fmt: skip
_MACHINES = {
    # column, architecture's number, clone, clone3, socket
    "x86_64": (0, 0xC000003E, 56, 435, 41),
    "aarch64": (1, 0xC00000B7, 220, 435, 198),
}
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _EACCES, _ENOSYS = 1, 13, 38
_NEW_NAMESPACES = 0x7E020000 | 0x80  # every CLONE_NEW... flag
_UNIX_SOCKETS = 1


def filter_calls() -> bool:
    """Make the calls above fail, and sockets to anywhere else. False on machines not in the table."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or struct.calcsize("P") != 8:
        return False
    column, architecture, clone, clone3, socket = machine
    program = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    if column == 0:
        program += [
            (_AT_LEAST, 0, 1, 0x40000000),
            (_RETURN, 0, 0, _FAIL | _EPERM),
        ]  # the 32-bit pointer calls
    for numbers in _DENIED.values():
        program += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _FAIL | _EPERM)]
    program += [(_EQUAL, 0, 1, clone3), (_RETURN, 0, 0, _FAIL | _ENOSYS)]  # the C library uses clone then
    program += [
        (_EQUAL, 0, 3, clone), (_LOAD, 0, 0, 16), (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _FAIL | _EPERM), (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 3, socket), (_LOAD, 0, 0, 16), (_EQUAL, 1, 0, _UNIX_SOCKETS),
        (_RETURN, 0, 0, _FAIL | _EACCES), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HxxxxxxP", len(program), ctypes.addressof(buffer))
    call("prctl", _SET_SECCOMP, 2, ctypes.c_char_p(header), 0, 0)
    return True
