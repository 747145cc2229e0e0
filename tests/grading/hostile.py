"""Attacks. Each is (what is handed in, the score that honest work of that quality gets, kinds of flags).

All leave q2 and q3 honest unless they say otherwise: 4 points of 6 where q1 is lost, 6 where it is right.
"""

import json

import nbformat

from .probe import cell, extra, insert_before

RIGHT = "total = customers.spend.sum()\n"
SPAM = "\\n".join(['{"answer": 1.0}'] * 3)

# name: (sources, score, flags of which at least one must be there)
SOURCES = {
    # objects that lie
    "equal_to_all": ({"q1": "class All:\n    def __eq__(self, other):\n        return True\ntotal = All()"}, 4, {"equality"}),
    "float_that_lies": (
        {"q1": "class Lie(float):\n    def __eq__(self, other):\n        return True\n    def __sub__(self, other):\n        return 0.0\n"
               "    __rsub__ = __sub__\n    def __abs__(self):\n        return 0.0\n    def __float__(self):\n        return 1.0\ntotal = Lie(1)"}, 4, {"equality"}),
    "class_that_lies": ({"q1": "class Lie:\n    __class__ = float\n    def __eq__(self, other):\n        return True\n    def __float__(self):\n        return 1.0\ntotal = Lie()"}, 4, {"equality"}),
    "frame_that_lies": ({"q2": "class Lie(pd.DataFrame):\n    def __eq__(self, other):\n        return True\n    def equals(self, other):\n        return True\nmeans = Lie({'segment': ['a'], 'spend': [0]})"}, 3, {"equality"}),
    # checkers, transformers, messages
    "transformer": ({"q1": "import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node):\n        return None\nget_ipython().ast_transformers.append(Drop())\ntotal = 0"}, 4, {"interpreter"}),
    "patched_checkers": ({"q1": "import math, json\nmath.isclose = lambda *a, **k: True\nnp.isclose = np.allclose = lambda *a, **k: True\njson.dumps = lambda *a, **k: '{\"answer\": 1}'\njson.loads = lambda *a, **k: {}\ntotal = 1.0"}, 4, {"patches"}),
    "patched_crmlab": ({"q1": "import crmlab.exercises.kinds as kinds, crmlab.exercises.verdicts as verdicts, crmlab.exercises.questions as questions\nkinds.Number.same = lambda *a: True\nquestions.Question.judge = lambda self, given: verdicts.Verdict('right')\ntotal = 1.0"}, 4, {"patches"}),
    "patched_numpy": ({"q1": "np.float64.__eq__ = 1\n" + RIGHT + "total = 1.0"}, 4, {"patches"}),
    "messages": ({"q1": f"import os\nfor number in range(3, 64):\n    try:\n        os.write(number, b'{SPAM}\\n')\n    except OSError:\n        pass\ntotal = 1.0"}, 4, {"forged"}),
    "messages_beside_the_truth": ({"q1": f"import os\nfor number in range(3, 64):\n    try:\n        os.write(number, b'{SPAM}\\n')\n    except OSError:\n        pass\n" + RIGHT}, 6, {"forged"}),
    "message_flood": ({"q1": "import os\nwhile True:\n    for number in range(3, 64):\n        try:\n            os.write(number, b'{}\\n' * 50)\n        except OSError:\n            pass"}, 4, {"forged"}),
    "closed_channel": ({"q1": "import os\nos.closerange(3, 64)\ntotal = 1.0"}, 4, {"exited", "timeout"}),
    "open_exercise_replaced": ({"q1": "import crmlab.exercises\ndef open_exercise(*a, **k):\n    return lambda *a, **k: 'right'\nanswer = open_exercise()\ntotal = 1.0"}, 4, {"redefines"}),
    "patched_builtins": ({"q1": "import builtins\nbuiltins.eval = lambda *a: 1.0\nbuiltins.exec = lambda *a: None\nbuiltins.len = lambda *a: 0\ntotal = 0"}, 4, {"patches"}),
    "wrecked_pandas": ({"q1": "pd.DataFrame.groupby = None\ntotal = 0"}, 4, {"patches"}),
    "wrecked_names": ({"q1": "del np, pd, customers\ntotal = 1"}, 4, set()),
    "cleared_names": ({"q1": "import sys\nsys.modules['__main__'].__dict__.clear()"}, 4, set()),
    "reply_with_its_token": ({"q1": "import sys, os\nframe = sys._getframe()\nwhile frame:\n    if 'token' in frame.f_locals:\n        os.write(frame.f_locals['up'], frame.f_locals['token'] + b' {\"answer\": 1.5}\\n')\n    frame = frame.f_back\ntotal = 0"}, 4, {"introspection"}),
    "import_hook": ({"q1": "import sys\nclass Finder:\n    def find_spec(self, *a):\n        raise SystemExit\nsys.meta_path.insert(0, Finder())\n" + RIGHT}, 6, {"exit"}),
    # looking around
    "environment": ({"q1": "import os\ntotal = len(dict(os.environ))"}, 4, {"environment"}),
    "proc": ({"q1": "total = len(open('/proc/1/environ', 'rb').read())"}, 4, {"files"}),
    "reads_a_table": ({"q1": "import glob\nfound = glob.glob('/home/*') + glob.glob('/srv/*')\ntotal = pd.read_csv('/etc/passwd').size"}, 4, {"files"}),
    "reads_masters": ({"q1": "import pathlib\ntotal = pathlib.Path('../exercises/90_probe/master.ipynb').read_text()"}, 4, {"files"}),
    "frames": ({"q1": "import sys\nframe = sys._getframe()\nwhile frame:\n    for name, value in list(frame.f_locals.items()):\n        if 'right' in name:\n            total = value\n    frame = frame.f_back"}, 4, {"introspection"}),
    "collector": ({"q1": "import gc\ntotal = [each for each in gc.get_objects() if 'Question' in type(each).__name__][0]"}, 4, {"introspection"}),
    "history": ({"q1": "total = In[-1] + Out[0]"}, 4, {"introspection"}),
    "subclasses": ({"q1": "total = ().__class__.__base__.__subclasses__()"}, 4, {"introspection"}),
    "own_memory": ({"q1": "import ctypes\nctypes.CDLL(None).prctl(4, 1)\ntotal = open('/proc/self/mem', 'rb').read(10)"}, 4, {"interpreter", "files"}),
    "equality_by_assignment": ({"q1": "class All:\n    __eq__ = lambda self, other: True\ntotal = All()"}, 4, {"equality"}),
    "equality_by_type": ({"q1": "total = type('All', (), {'__eq__': lambda self, other: True})()"}, 4, {"equality"}),
    "swapped_modules": ({"q1": "import sys, types\nfake = types.ModuleType('json')\nfake.dumps = lambda *a, **k: '{\"answer\": 1}'\nsys.modules['json'] = sys.modules['crmlab.exercises.plain'] = fake\ntotal = 1.0"}, 4, {"patches"}),
    "edited_builtins": ({"q1": "import sys\nsys.modules['__main__'].__dict__['__builtins__']['float'] = lambda *a: 1.0\ntotal = 0"}, 4, {"introspection"}),
    "patched_runner": ({"q1": "from crmlab.grading.inside import student\nstudent.Work.question = lambda self, asked: {'answer': 1.0}\ntotal = 0"}, 4, {"patches"}),
    "counts_its_runs": ({"q1": "import builtins\nbuiltins.runs = getattr(builtins, 'runs', 0) + 1\ntotal = customers.spend.sum() if builtins.runs > 1 else 1.0"}, 4, {"introspection"}),
    "knows_the_grader": ({"q1": "import os\ntotal = 1.0 if os.getppid() < 5 else customers.spend.sum()"}, 4, {"environment"}),
    "reads_its_channel": ({"q1": "import os\nfor number in range(3, 64):\n    try:\n        os.set_blocking(number, False)\n        total = os.read(number, 1000)\n    except OSError:\n        pass\ntotal = 0"}, 4, {"channels"}),
    "leaves_by_the_back_door": ({"q1": "import atexit, os\natexit.register(lambda: os.write(11, b'{}\\n'))\n" + RIGHT}, 6, {"exit"}),
    "other_language": ({"q1": "%%script bash\nid"}, 4, {"processes"}),
    "magic_by_hand": ({"q1": "get_ipython().run_cell_magic('bash', '', 'id')\n" + RIGHT}, 6, {"processes"}),
    "abstract_socket": ({"q1": "import socket\nserver = socket.socket(socket.AF_UNIX)\nserver.bind('\\0crmlab')\nserver.listen()\ntotal = 1"}, 4, {"network"}),
    "tracing": ({"q1": "import sys\ndef trace(frame, event, argument):\n    frame.f_locals.update(right=1)\n    return trace\nsys.settrace(trace)\n" + RIGHT}, 6, {"interpreter"}),
    "new_namespaces": ({"q1": "import ctypes\nlibc = ctypes.CDLL(None)\ntotal = [libc.unshare(0x10000000), libc.syscall(435, 0, 0), libc.syscall(425, 8, 0), libc.syscall(323, 0)]"}, 4, {"interpreter"}),
    "loads_an_object": ({"q1": "import pickle\nclass Load:\n    def __reduce__(self):\n        return eval, ('1',)\ntotal = Load()"}, 4, {"interpreter"}),
    "takes_the_plan": ({"q1": RIGHT + "import sys\nframe = sys._getframe()\nwhile frame:\n    if 'plan' in frame.f_locals:\n        frame.f_locals['plan']['questions'].clear()\n    frame = frame.f_back"}, 6, {"introspection"}),
    # asking for the answer: it works at home, where the master is
    "asks_the_card": ({"q1": "total = answer._found('q1').right"}, 4, {"answer lookup"}),
    "asks_the_card_by_name": ({"q1": "total = getattr(answer, '_fo' + 'und')('q1').right"}, 4, set()),
    "asks_the_master": ({"q1": "from crmlab.exercises import master, running\ntotal = running.questions(master('90_probe'), {'seed': seed})['q1'].right"}, 4, {"answer lookup"}),
    "asks_the_package": ({"q1": "import crmlab\ntotal = crmlab.exercises.master('90')"}, 4, {"answer lookup"}),
    "asks_the_judge": ({"q1": "import importlib\ntotal = importlib.import_module('crmlab.grading.judge').Judge()"}, 4, {"answer lookup"}),
    "hidden_import": ({"q1": "__import__('cr' + 'mlab.exercises')\n" + RIGHT}, 6, {"hidden code"}),
    "hidden_code": ({"q1": "exec(bytes.fromhex('746f74616c203d2031'))"}, 4, {"hidden code"}),
    "code_in_a_text": ({"q1": "exec('import socket')\n" + RIGHT}, 6, {"network"}),
    "code_in_a_magic": ({"q1": "%%time\nimport crmlab.grading\n" + RIGHT}, 6, {"answer lookup"}),
    "patches_by_vars": ({"q1": "vars(np)['isclose'] = lambda *a, **k: True\n" + RIGHT}, 6, {"patches"}),
    "patches_by_dict": ({"q1": "np.__dict__.update(isclose=1)\n" + RIGHT}, 6, {"patches"}),
    "deep_library": ({"q1": "total = np.ctypeslib.ctypes.CDLL(None).getpid()"}, 4, {"interpreter"}),
    "deep_library_hidden": ({"q1": "loads = getattr(np, 'cty' + 'peslib')\ntotal = getattr(loads.ctypes, 'CD' + 'LL')(None).getpid()"}, 4, {"interpreter"}),
    "proc_by_pandas": ({"q1": "total = pd.read_csv('/pr' + 'oc/self/status', sep='\\t', header=None).size"}, 4, {"files"}),
    "proc_by_numpy": ({"q1": "total = len(np.fromfile('/pr' + 'oc/1/cmdline', dtype='u1'))"}, 4, set()),
    "proc_by_pathlib": ({"q1": "import pathlib\ntotal = len(pathlib.Path('/pr' + 'oc/self/maps').read_text())"}, 4, {"files"}),
    "sockets_full_of_memory": ({"q1": "import socket\nheld = []\nwhile True:\n    pair = socket.socketpair()\n    held.append(pair)\n    pair[0].setblocking(False)\n    try:\n        while True:\n            pair[0].send(bytes(60000))\n    except BlockingIOError:\n        pass\n    import time\n    time.sleep(0.002)"}, 4, {"memory"}),
    "flags_that_it_makes_up": ({"q1": "import os\nfor number in range(3, 64):\n    try:\n        os.write(number, b'[\"praise\", \"\", \"honest work\"]\\n')\n    except OSError:\n        pass\n" + RIGHT}, 6, {"forged"}),
    "flood_of_signs": ({"q1": "import os\nfor number in range(3, 64):\n    try:\n        os.write(number, b'x' * 40000 + b'\\n')\n    except OSError:\n        pass\nopen('/pr' + 'oc/1/environ', 'rb')\n" + RIGHT}, 4, {"forged"}),
    # what is not here
    "newer_syntax": ({"q1": "type Euros = float\ntotal = customers.spend.sum() if True else\n"}, 4, set()),
    "package_that_is_not_here": ({"q1": "import polars\ntotal = polars.Series(customers.spend).sum()"}, 4, {"package not here"}),
    # leaving
    "sys_exit": ({"q1": "import sys\nsys.exit(0)"}, 4, {"exit"}),
    "raises_exit": ({"q1": RIGHT + "raise SystemExit"}, 6, {"exit"}),
    "stopped": ({"q1": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"}, 4, {"signals"}),
    "becomes_another": ({"q1": "import os\nos.execv('/bin/sleep', ['sleep', '100'])"}, 4, {"processes"}),
    "asks_for_more": ({"q1": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\ntotal = 0"}, 4, {"limits"}),
    "exit_while_another_runs": ({"q1": RIGHT + "import threading\ndef leave():\n    import os, time\n    time.sleep(0.2)\n    os._exit(0)\nthreading.Thread(target=leave).start()", "q2": "import time\ntime.sleep(0.5)\nmeans = customers.groupby('segment', as_index=False).spend.mean()"}, 6, {"exit"}),
    "os_exit": ({"q1": "import os\nos._exit(0)"}, 4, {"exited"}),
    "killed": ({"q1": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"}, 4, {"exited"}),
    "kills_all": ({"q1": "import os\nos.kill(-1, 9)"}, 4, {"signals"}),
    "kills_parents": ({"q1": "import os, signal\nfor pid in range(1, 3000):\n    try:\n        if pid != os.getpid():\n            os.kill(pid, 9)\n    except OSError:\n        pass\ntotal = 1.0"}, 4, {"signals"}),
    "crash": ({"q1": "import ctypes\nctypes.string_at(0)"}, 4, {"exited"}),
    "exit_in_last": ({"q3": "import os\nos._exit(1)"}, 5, {"exited"}),
    "later_exit": ({"q1": RIGHT + "import threading, os\nthreading.Timer(0.0, lambda: os._exit(3)).start()\nimport time\ntime.sleep(1)"}, 4, {"exited"}),
    "alarm": ({"q1": RIGHT + "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.05)", "q2": "import time\ntime.sleep(0.4)\nmeans = customers.groupby('segment', as_index=False).spend.mean()"}, 6, {"signals"}),
    # never ending, too much
    "endless": ({"q1": "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"}, 4, {"timeout"}),
    "endless_regex": ({"q1": "import re\nre.match('(a+)+$', 'a' * 60 + 'b')"}, 4, {"timeout"}),
    "ignores_signals": ({"q1": "import signal, time\nfor number in range(1, 65):\n    try:\n        signal.signal(number, signal.SIG_IGN)\n    except Exception:\n        pass\ntime.sleep(10 ** 6)"}, 4, {"timeout"}),
    "deep_recursion": ({"q1": "import sys\nsys.setrecursionlimit(10 ** 9)\ndef down():\n    return down()\ndown()"}, 4, {"interpreter"}),
    "fork_bomb": ({"q1": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"}, 4, {"processes"}),
    "thread_bomb": ({"q1": "import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(99,)).start()"}, 4, set()),
    "memory_at_once": ({"q1": "total = bytearray(10 ** 11)"}, 4, {"memory"}),
    "memory_mapped": ({"q1": "import mmap\ntotal = mmap.mmap(-1, 2 ** 40)"}, 4, {"memory"}),
    "memory_slowly": ({"q1": "total = []\nwhile True:\n    total.append(bytearray(10 ** 7))"}, 4, {"memory", "timeout"}),
    "memory_of_many": ({"q1": "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        held = bytearray(b'x') * (300 << 20)\n        time.sleep(60)\ntime.sleep(60)"}, 4, {"memory", "timeout"}),
    "output": ({"q1": "while True:\n    print('x' * 10000)"}, 4, {"output"}),
    "output_below_python": ({"q1": "import os\nwhile True:\n    os.write(1, b'x' * 60000)"}, 4, {"output"}),
    "huge_list": ({"q1": "total = list(range(10 ** 6))"}, 4, set()),
    "endless_range": ({"q1": "total = range(10 ** 30)"}, 4, set()),
    "holds_itself": ({"q1": "total = []\ntotal.append(total)"}, 4, set()),
    "half_a_character": ({"q1": "total = '\\ud800'"}, 4, set()),
    "huge_text": ({"q1": "total = 'x' * 10 ** 7"}, 4, {"large"}),
    "huge_number": ({"q1": "total = 10 ** 4000"}, 4, set()),
    "huger_number": ({"q1": "import sys\nsys.set_int_max_str_digits(0)\ntotal = 10 ** 100000"}, 4, set()),
    "disk": ({"q1": "with open('big', 'wb') as file:\n    while True:\n        file.write(b'x' * 10 ** 6)"}, 4, {"disk"}),
    "many_files": ({"q1": "number = 0\nwhile True:\n    open(f'/tmp/{number}', 'w').close()\n    number += 1"}, 4, {"disk"}),
    # values
    "nan": ({"q1": "total = float('nan')"}, 4, set()),
    "infinity": ({"q1": "total = np.inf"}, 4, set()),
    "truth": ({"q1": "total = True"}, 4, set()),
    "number_in_quotes": ({"q1": "total = str(customers.spend.sum())"}, 4, set()),
    "number_in_a_list": ({"q1": "total = [customers.spend.sum()]"}, 4, set()),
    "rows_missing": ({"q2": "means = customers.groupby('segment', as_index=False).spend.mean().head(2)"}, 3, set()),
    "rows_twice": ({"q2": "means = customers.groupby('segment', as_index=False).spend.mean()\nmeans = pd.concat([means, means])"}, 3, set()),
    "misconception": ({"q1": "total = customers.spend.mean()"}, 4, set()),
    "generator": ({"q1": "total = (each for each in [1])"}, 4, set()),
    "hostile_repr": ({"q1": "class Error(Exception):\n    def __str__(self):\n        raise SystemExit\n    __repr__ = __str__\nraise Error()"}, 4, set()),
    # network
    "network": ({"q1": "import urllib.request\ntotal = urllib.request.urlopen('http://example.com').read()"}, 4, {"network"}),
    "names": ({"q1": "import socket\ntotal = socket.gethostbyname('example.com')"}, 4, {"network"}),
    "loopback": ({"q1": "import socket\ntotal = socket.create_connection(('127.0.0.1', 22), 1)"}, 4, {"network"}),
    "raw_socket": ({"q1": "import socket\ntotal = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).fileno()"}, 4, {"network"}),
    "runs_programs": ({"q1": "import subprocess\ntotal = subprocess.run(['id'], capture_output=True).stdout"}, 4, {"processes"}),
    "shell": ({"q1": "!cat /etc/passwd > stolen\ntotal = open('stolen').read()"}, 4, {"files", "processes"}),
    # parsers
    "brackets": ({"q1": "(" * 3000 + "1" + ")" * 3000}, 4, set()),
    "signs": ({"q1": "total = " + "-" * 50000 + "1"}, 4, set()),
    "not_not": ({"q1": "total = " + "not " * 200000 + "1"}, 4, set()),
    "attributes": ({"q1": "total = customers" + ".T" * 200000}, 4, set()),
    "power": ({"q1": "total = 10 ** 10 ** 9"}, 4, {"timeout", "memory"}),
    "null_byte": ({"q1": "total = 1\0"}, 4, set()),
    "surrogate": ({"q1": "total = '\ud800'"}, 4, set()),
    # parameters
    "friends_seed": ({"q1": "seed = 6\nrng = np.random.default_rng([seed, 1])\nrng.choice(['a', 'b', 'c'], 60)\ntotal = rng.gamma(2, 40, 60).round(2).sum()"}, 4, {"parameters"}),
    "seed_for_later": ({"q1": RIGHT + "seed = 999"}, 6, {"parameters"}),
}  # fmt: skip


def _points(notebook):
    cell(notebook, "q1-solution").source = "total = 0"
    cell(notebook, "q2-check").metadata.nbgrader.points = 1000
    cell(notebook, "q1-check").metadata.nbgrader.grade = False


def _ids(notebook):
    cell(notebook, "q1-solution").metadata.nbgrader.grade_id = "q9-solution"


def _ids_of_all(notebook):
    """One cell of the master's left: whatever lost the other ids, no editor did."""
    for each in notebook.cells:
        if each.id != "setup":
            each["id"], each.metadata = "x" + each.id, {}


def _cell_type(notebook):
    cell(notebook, "q1-solution").cell_type = "markdown"


def _tags(notebook):
    cell(notebook, "q1-solution").source = "1 / 0"
    for each in notebook.cells:
        each.metadata.tags = [
            *each.metadata.get("tags", []),
            "raises-exception",
            "nbval-skip",
            "injected-parameters",
        ]


def _parameters(notebook):
    cell(notebook, "parameters").source = "seed = 77"


def _injected(notebook):
    insert_before(
        notebook, "setup", extra("seed = 77", metadata={"tags": ["injected-parameters", "parameters"]})
    )


def _moved(notebook):
    notebook.cells.reverse()


def _duplicated(notebook):
    insert_before(
        notebook, "q1-solution", extra("total = 1", metadata=dict(cell(notebook, "q1-solution").metadata))
    )


def _duplicated_below(notebook):
    """A copy with another answer: the later one counts, as in the notebook itself."""
    insert_before(
        notebook, "q1-check", extra("total = 1", metadata=dict(cell(notebook, "q1-solution").metadata))
    )


def _removed(notebook):
    notebook.cells.remove(cell(notebook, "q1-solution"))


def _check(notebook):
    cell(notebook, "q1-solution").source = "total = 0"
    cell(notebook, "q1-check").source = 'answer("q1", 0, tolerance=1e9)'


def _redefined(notebook):
    insert_before(notebook, "q1-solution", extra("def answer(*a, **k):\n    pass\ndef record(*a):\n    pass"))


def _given(notebook):
    cell(notebook, "q1-solution").source = "total = 1.0"
    cell(
        notebook, "q1-given"
    ).source = "customers = pd.DataFrame({'segment': ['a'], 'spend': [1.0], 'visits': [1]})"


def _forged_cards(notebook):
    for number in (1, 2, 3):
        cell(notebook, f"q{number}-solution").source = "total = means = loyal = ..."
        data = {
            "application/vnd.crmlab.answer+json": {"question": f"q{number}", "verdict": "right", "points": 9}
        }
        cell(notebook, f"q{number}-check").outputs = [nbformat.v4.new_output("display_data", data=data)]


def _exit_above(notebook):
    notebook.cells.insert(0, extra("import os\nos._exit(0)"))


def _newer_python(notebook):
    notebook.metadata.language_info = {"name": "python", "version": "3.99.1"}
    cell(notebook, "q1-solution").source = "from itertools import of_the_future\ntotal = 0"


CHANGES = {
    "newer_python": (_newer_python, 4, {"newer Python"}),
    "points": (_points, 4, {"edited metadata"}),
    "ids": (_ids, 6, {"missing cell"}),
    "ids_of_all": (_ids_of_all, 0, {"missing cell"}),
    "cell_type": (_cell_type, 4, {"edited metadata"}),
    "tags": (_tags, 4, {"edited metadata"}),
    "parameters": (_parameters, 6, {"edited cell"}),
    "injected": (_injected, 6, {"parameters"}),
    "moved": (_moved, 6, {"moved cells"}),
    "duplicated": (_duplicated, 6, {"duplicate cell"}),
    "duplicated_below": (_duplicated_below, 4, {"duplicate cell"}),
    "removed": (_removed, 4, {"missing cell"}),
    "check": (_check, 4, {"edited cell"}),
    "redefined": (_redefined, 6, {"redefines"}),
    "given": (_given, 4, {"edited cell"}),
    "forged_cards": (_forged_cards, 0, {"card differs"}),
    "exit_above": (_exit_above, 4, {"exited"}),
}


def _old(notebook):
    sheet = [{"cell_type": each.cell_type, "metadata": each.metadata, "input": each.source, "outputs": []}
             for each in notebook.cells]  # fmt: skip
    return json.dumps(
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": sheet}]}
    ).encode()


def _nested(notebook):
    return b"[" * 200_000


def _many_cells(notebook):
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "1"}] * 100_000}).encode()


def _keyed(notebook):
    return json.dumps(
        {"nbformat": 4, "cells": [{"cell_type": [], "source": {"a": 1}, "metadata": [], "id": 5}, 7, None]}
    ).encode()


MALFORMED = {
    # name: (bytes made of the solved notebook, score, flags)
    "not_json": (lambda notebook: b"print('hello')", 0, {"unreadable"}),
    "cut_off": (lambda notebook: nbformat.writes(notebook).encode()[:500], 0, {"unreadable"}),
    "old_format": (_old, 6, {"old format"}),
    "utf16": (lambda notebook: nbformat.writes(notebook).encode("utf-16"), 6, {"encoding"}),
    "latin1": (
        lambda notebook: nbformat.writes(notebook).replace("### YOUR", "").encode("latin-1") + b"  ",
        6,
        set(),
    ),
    "byte_order_mark": (lambda notebook: b"\xef\xbb\xbf" + nbformat.writes(notebook).encode(), 6, set()),
    "gzip": (lambda notebook: __import__("gzip").compress(bytes(10**7)), 0, {"unreadable"}),
    "nested": (_nested, 0, {"unreadable"}),
    "many_cells": (_many_cells, 0, {"unreadable"}),
    "odd_types": (_keyed, 0, {"missing cell"}),
    "a_list": (lambda notebook: b"[1, 2]", 0, {"unreadable"}),
    "empty": (lambda notebook: b"  \n", 0, set()),
    "huge_integer": (lambda notebook: b'{"nbformat": ' + b"9" * 100_000 + b"}", 0, {"unreadable"}),
}
