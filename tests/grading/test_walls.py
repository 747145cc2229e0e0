"""What can be seen, reached and left behind from inside; tried by code that looks everywhere."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from crmlab.errors import InputError
from crmlab.grading import Limits, building, grade_batch, walls
from crmlab.grading.clock import Budget, Reading
from crmlab.grading.sandbox import Broken, Sandbox, heard

from .probe import CANARY, FRESH, LIMITS, Course, needs_walls, write_master

SEARCH = """
import ctypes, gc, os, sys
parts = ["kanari", "4711"]
needle = "-".join(parts).encode()
found = []

def look(place):
    try:
        with open(place, "rb") as file:
            if needle in file.read(1 << 22):
                found.append(place)
    except OSError:
        pass

for folder, folders, names in os.walk("/"):
    if folder.startswith(("/sys", "/proc", "/usr/lib", "/usr/share", "/usr/include")) or folder.endswith("site-packages"):
        folders.clear()
        continue
    for name in names:
        if folder.startswith("/dev") and folder != "/dev/shm" or name.endswith((".so", ".pyc", ".h", ".a")):
            continue
        look(os.path.join(folder, name))

for place in ("environ", "cmdline", "maps", "mountinfo", "stat"):
    for pid in range(1, 400):
        look(f"/proc/{pid}/{place}")
look("/proc/keys")

# this process's own memory: what is left there of others
ctypes.CDLL(None).prctl(4, 1)
readable = 0
try:
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    for line in open("/proc/self/maps"):
        span, mode = line.split()[:2]
        if "r" not in mode or "[v" in line:
            continue
        start, stop = (int(each, 16) for each in span.split("-"))
        while start < stop:
            try:
                data = os.pread(memory, min(stop - start, 1 << 22), start)
            except OSError:
                break
            if not data:
                break
            readable += len(data)
            start += len(data)
            at = data.find(needle)
            while at >= 0:
                # own pieces: the search's own needle, and buffers that hold it alone
                around = data[at : at + 24]
                if around.startswith(needle + b"-"):
                    found.append("memory: " + repr(around))
                at = data.find(needle, at + 1)
except OSError as error:
    found.append(f"memory not searched: {error}")

for each in os.environ.values():
    if needle.decode() in each:
        found.append("environment")
# a checkout may lie in the temporary folder: then the way to its interpreter is seen there, and nothing beside it
way = {place.split("/")[2] for place in (sys.prefix, sys.base_prefix) if place.startswith("/tmp/")}
found += os.listdir("/dev/shm")
found += [each for each in os.listdir("/tmp") if each != "matplotlib" and each not in way]
total = f"found {sorted(set(found))[:20]}, processes {sorted(filter(str.isdigit, os.listdir('/proc')))}, MB {readable >> 20}, user {os.getuid()}"
"""

LITTER = """
import os, ctypes, subprocess, time
for place in ("/tmp/left", "/dev/shm/left", "/dev/left", "/left", os.getcwd() + "/left", os.path.expanduser("~/left"),
              os.path.join(os.path.dirname(np.__file__), "left.py"), "/opt/crmlab/home/left", "/run/left", "/var/tmp/left"):
    try:
        open(place, "w").write("kanari-" + "4711-litter")
    except OSError:
        pass
libc = ctypes.CDLL(None)
libc.shmget(4711, 4096, 0o1666)
libc.syscall(248, b"user", b"left", b"kanari", 6, -4)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
total = customers.spend.sum()
"""


@pytest.fixture
def tampered_environment(monkeypatch):
    monkeypatch.setenv("CRMLAB_SECRET", "kanari-" + "4711-environment")
    monkeypatch.setenv("BASH_FUNC", "kanari-" + "4711-more")


@needs_walls
def test_canaries_are_not_found_from_inside(tmp_path, master, tampered_environment):
    course = Course(tmp_path / "submitted", master)
    secret = tmp_path / ".secret"
    secret.write_text("kanari-" + "4711-secret")
    secret.chmod(0o600)
    (tmp_path / "gradebook.csv").write_text("kanari-" + "4711-gradebook")
    course.hand_in("a-sibling", q1=f"# {'kanari-' + '4711-sibling'}\n" + LITTER)
    course.hand_in("search", q1=SEARCH)
    course.hand_in("control", q1="open('/tmp/x', 'w').write('kanari-' + '4711-here')\n" + SEARCH)
    limits = replace(LIMITS, question_seconds=30, total_seconds=100)
    sibling, search, control = grade_batch(
        master, course.submissions, [], tmp_path / "out", jobs=1, limits=limits
    )
    assert sibling.score == 6, sibling.questions
    told = search.questions[0].given
    assert isinstance(told, str), search.questions
    assert told.startswith("found [], processes ['1', '"), told
    assert told.count("', '") <= 2  # the first process of the run, and the run
    assert int(told.split("MB ")[1].split(",")[0]) > 50, "its own memory was searched"
    if os.getuid() == 0:
        assert int(told.split("user ")[1]) > 1_000_000_000
    assert (search.score, {"files"} <= {flag["kind"] for flag in search.flags}) == (4, True)
    assert CANARY in master.path.read_text()  # there was something to find
    assert "/tmp/x" in control.questions[0].given  # and the search is able to find it


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(strong=True) as sandbox:
        yield sandbox


def _run(sandbox, source, **limits):
    """The `Outcome` of a run of `source`, which computes `told`."""
    cells = [{"id": "x", "role": "solution", "source": textwrap.dedent(source)}]
    plan = {"parameters": {}, "scan": False,
            "questions": [{"cells": cells, "expression": "told", "own_expression": ""}]}  # fmt: skip
    return sandbox.run(plan, replace(LIMITS, question_seconds=30, **limits), Budget(30))


def _inside(sandbox, source):
    return json.loads(_run(sandbox, source).answers[0])["answer"]


@needs_walls
def test_calls_that_look_out_or_break_out_fail(sandbox):
    told = _inside(
        sandbox,
        """
        import ctypes, os, socket
        libc = ctypes.CDLL(None, use_errno=True)
        told = {}
        def attempt(name, *arguments):
            told[name] = ctypes.get_errno() if getattr(libc, name)(*arguments) < 0 else 0
        attempt("unshare", 0x10000000)
        attempt("mount", b"none", b"/tmp", b"tmpfs", 0, None)
        attempt("umount2", b"/tmp", 2)
        attempt("ptrace", 16, 1, 0, 0)
        attempt("chroot", b"/tmp")
        attempt("setuid", 0)
        attempt("memfd_create", b"x", 0)
        attempt("shmget", 1, 4096, 0o1600)
        for name, family in (("inet", socket.AF_INET), ("inet6", socket.AF_INET6), ("netlink", 16), ("packet", 17)):
            try:
                socket.socket(family, socket.SOCK_DGRAM)
                told[name] = 0
            except OSError as error:
                told[name] = error.errno
        try:
            open("/opt/crmlab/lib/crmlab/x", "w")
            told["write"] = 0
        except OSError as error:
            told["write"] = error.errno
        told["status"] = [line.split()[1] for line in open("/proc/self/status") if line[:6] in ("CapEff", "CapPrm", "CapBnd")]
        told["new"] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("NoNewPrivs")]
        told = str(told)
    """,
    )
    found = eval(told)
    assert set(found.pop("status")) == {"0" * 16} and found.pop("new") == ["1"]
    if os.getuid() != 0:
        found.pop("setuid")  # an ordinary user's own namespace knows no other user
    assert 0 not in found.values(), found


@needs_walls
def test_nothing_of_the_disk_but_what_is_needed(sandbox):
    told = _inside(
        sandbox,
        """
        import os
        told = sorted(os.listdir("/"))
        exercises = [os.path.join(folder, name) for folder, _, names in os.walk("/opt/crmlab") for name in names
                     if name.endswith(".ipynb")]
        told = [told, exercises, os.path.exists("/opt/crmlab/lib/crmlab/home/exercises")]
        told = repr(told)
    """,
    )
    top, notebooks, home = eval(told)
    assert not notebooks and not home
    allowed = {"bin", "dev", "etc", "lib", "lib32", "lib64", "opt", "proc", "sbin", "tmp", "usr"}
    parents = {Path(each).parts[1] for each in (sys.prefix, sys.base_prefix)}
    assert set(top) <= allowed | parents


@needs_walls
def test_memory_of_one_process_and_of_many(sandbox):
    one = _run(sandbox, "told = []\nwhile True:\n    told.append(bytearray(10 ** 7))")
    assert b"MemoryError" in one.answers[0]
    many = _run(
        sandbox,
        """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                held = bytearray(b"x") * (300 << 20)
                time.sleep(60)
        time.sleep(60)
    """,
    )
    assert many.cause == "memory"


@needs_walls
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be chosen here")
def test_a_busy_machine_takes_no_time_from_anyone():
    """1.2 s of work on a processor that two others want: more than 2.5 s on the wall."""
    number = min(os.sched_getaffinity(0))
    burn = f"import os\nos.sched_setaffinity(0, [{number}])\nwhile True:\n    pass"
    # Sessions of their own: some systems share a processor by session and not by process.
    others = [subprocess.Popen([sys.executable, "-c", burn], start_new_session=True) for _ in range(2)]
    work = """
        import time
        began, wall = time.process_time(), time.monotonic()
        while time.process_time() - began < 1.2:
            pass
        told = time.monotonic() - wall
    """
    try:
        with Sandbox(strong=True, share=(0, len(os.sched_getaffinity(0)))) as one:
            cells = [{"id": "x", "role": "solution", "source": textwrap.dedent(work)}]
            question = {"cells": cells, "expression": "told", "own_expression": ""}
            plan = {"parameters": {}, "scan": False, "questions": [question]}
            outcome = one.run(plan, replace(LIMITS, question_seconds=2.5), Budget(10))
    finally:
        for each in others:
            each.kill()
            each.wait()
    assert json.loads(outcome.answers[0])["answer"] > 2.5


@pytest.mark.parametrize(
    "wall, computed, waited, charged",
    [(10, 2, 8, 2), (10, 10, 0, 10), (8, 0, 0, 2), (30, 0.1, 30, 0.5), (3, 6, 0, 6), (0, 0, 0, 0)],
)
def test_what_a_run_is_charged(wall, computed, waited, charged):
    now = Reading(100.0 + wall, 5 + computed, 1 + waited)
    assert now.charge(Reading(100.0, 5.0, 1.0)) == pytest.approx(charged)


def test_only_signs_that_the_grader_knows_come_out_of_a_run():
    told = b'["files", "q1", "open /x"]\n["praise", "", "honest"]\n[1]\nnoise\n["files", "q1", "cut o'
    assert heard(told) == ([["files", "q1", "open /x"]], 3)
    assert heard(b"", flooded=True) == ([], 1)


@needs_walls
def test_code_that_breaks_its_reader_is_told(sandbox):
    broken = {"parameters": {}, "scan": True, "questions": [{"cells": [{"role": "solution"}]}]}
    assert sandbox.run(broken, LIMITS, Budget(20)).cause == "unreadable"


@needs_walls
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor")
def test_two_workers_do_not_share_processors():
    seen = []
    for number in (0, 1):
        with Sandbox(strong=True, share=(number, 2)) as one:
            seen.append(
                _inside(
                    one,
                    """
                import os
                try:
                    os.sched_setaffinity(0, range(64))
                except OSError:
                    pass
                told = sorted(os.sched_getaffinity(0))
            """,
                )
            )
    assert not set(seen[0]) & set(seen[1])
    assert len(os.sched_getaffinity(0)) > 1


@needs_walls
def test_a_sandbox_that_died_is_told_from_a_student_who_did():
    with Sandbox(strong=True) as sandbox:
        assert _run(sandbox, "import os; os._exit(7)").status == 7
        sandbox.process.kill()
        with pytest.raises(Broken):
            _run(sandbox, "told = 1")
        sandbox.again()
        assert _inside(sandbox, "told = 1") == 1


@needs_walls
def test_a_folder_that_students_could_read_is_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="which students' code can read"):
        building.command([Path(sys.prefix) / "course"], [])
    monkeypatch.setattr(sys, "base_prefix", str(Path.home()))
    with pytest.raises(InputError, match="environment in a folder of its own"):
        building.command([], [])


def test_without_strong_walls_grading_refuses(course, master, monkeypatch):
    monkeypatch.setattr(building.shutil, "which", lambda name: None)
    building.strong.cache_clear()
    try:
        assert "network" not in walls()
        course.hand_in("s1")
        with pytest.raises(InputError, match="bubblewrap is not installed.*--allow-weak-walls"):
            grade_batch(master, course.submissions, FRESH)
    finally:
        building.strong.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_weak_walls_grade_and_say_so(course, master, monkeypatch, tmp_path):
    monkeypatch.setattr(building, "strong", lambda: False)
    course.hand_in("honest")
    course.hand_in(
        "endless",
        q1="while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    )
    course.hand_in(
        "orphan",
        q1="import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(987)\ntotal = customers.spend.sum()",
    )
    course.hand_in("memory", q1="total = bytearray(10 ** 11)")
    course.hand_in("breaks", q1="import os\nos.kill(os.getppid(), 9)\ntotal = 1")
    course.hand_in("honest_too")
    course.hand_in("leaves", q1="open('left', 'w')\nimport os\ntotal = os.getcwd() + str(os.listdir())")
    found = grade_batch(master, course.submissions, FRESH, jobs=1, allow_weak_walls=True,
                        limits=replace(LIMITS, processes=4000))  # fmt: skip
    assert [each.score for each in found] == [6, 4, 6, 4, 4, 6, 4]
    assert {"broken walls", "signals"} <= {flag["kind"] for flag in found[4].flags}
    assert not {"network", "disk", "processes"} & set(found[0].walls)
    assert "sleep(987" not in _processes()
    folder = found[6].questions[0].given.partition("[")[0]
    assert not Path(folder).exists()


def _processes():
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, timeout=30).stdout


@needs_walls
@pytest.mark.skipif(os.getuid() != 0, reason="becomes an ordinary user, which only root can")
def test_an_ordinary_user_has_the_same_walls():
    """In a namespace where an ordinary user may pass through folders that lead to Python and the package."""
    with tempfile.TemporaryDirectory(prefix="crmlab-ordinary-", dir="/tmp") as folder:
        _as_ordinary_user(Path(folder))


def _as_ordinary_user(tmp_path):
    script = textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]!r}
        from pathlib import Path
        from dataclasses import replace
        from crmlab.grading import grade_batch
        from grading.probe import Course, write_master, LIMITS
        from grading.test_walls import SEARCH, LITTER
        master = write_master(Path("{tmp_path}/e"))
        course = Course(Path("{tmp_path}/s"), master)
        course.hand_in("a", q1=LITTER)
        course.hand_in("b", q1=SEARCH)
        course.hand_in("c", q1="import os\\nwhile True:\\n    try:\\n        os.fork()\\n    except OSError:\\n        pass")
        found = grade_batch(master, course.submissions, [], jobs=1, limits=replace(LIMITS, question_seconds=10))
        print([each.score for each in found], found[0].walls, found[1].questions[0].given)
    """)  # fmt: skip
    (tmp_path / "run.py").write_text(script)
    tmp_path.chmod(0o755)
    os.chown(tmp_path, 12345, 12345)
    command = f"exec setpriv --reuid=12345 --regid=12345 --clear-groups {sys.executable} -P {tmp_path}/run.py"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", "\n".join([*_open_way(tmp_path), command])],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.replace(".0", "").startswith("[6, 4, 4]") and "found []" in done.stdout, done.stdout


def _open_way(scratch):
    """Shell commands that let everyone pass through the closed folders above this Python, here alone."""
    yield "mount --make-rprivate /"
    for number, base in enumerate(sorted({sys.base_prefix, sys.prefix})):
        closed = [each for each in Path(base).parents if each.stat().st_mode & 0o005 != 0o005]
        if closed:
            place = closed[-1] / Path(base).relative_to(closed[-1]).parts[0]
            aside = scratch / f"aside{number}"
            yield f"mkdir {aside}; mount --bind {place} {aside}; mount -t tmpfs -o mode=755 none {closed[-1]}"
            yield f"mkdir {place}; mount --bind {aside} {place}"


def test_limits_must_be_positive():
    with pytest.raises(InputError, match="question_seconds"):
        Limits(question_seconds=0)


def test_write_master_is_a_sound_master(tmp_path):
    from crmlab.exercises.authoring.stress import stress

    report = stress(write_master(tmp_path), variants=4)
    assert [each for each in report.problems if "does not" in each or "judged" in each] == []
