"""Kernels forked from a warm process: the same outputs, nothing shared, nothing left behind."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session

from crmlab.notebook import kernels, run, running
from crmlab.notebook.source import read
from crmlab.notebook.storing import as_text

from .conftest import code

pytestmark = pytest.mark.skipif(not kernels.CAN_FORK, reason="kernels are forked on Linux only")

# Everything that a forked kernel could do otherwise than one started afresh.
CELLS = {
    "numbers": "import random\nimport numpy as np\nimport pandas as pd\nrng = np.random.default_rng(seed)\n"
    "frame = pd.DataFrame({'x': rng.normal(size=80), 'g': list('abcd') * 20})\n"
    "frame['y'] = frame.x * effect + rng.normal(size=80)\nframe.describe()",
    "legacy": "np.random.seed(3); random.seed(3)\nprint(np.random.normal(), random.random())",
    "hash": "print(list({'satisfaction', 'trust', 'loyalty', 'commitment', 'value'}), hash('crm'))",
    "picture": "import matplotlib.pyplot as plt\nplt.scatter(frame.x, frame.y)\n"
    "plt.title(r'$\\hat\\beta_1$')\nplt.show()",
    "left-open": "figure, axes = plt.subplots(2)\naxes[0].hist(frame.x);",
    "as-value": "figure",
    "seaborn": "import seaborn as sns\nsns.set_theme()\nsns.regplot(frame, x='x', y='y', seed=1);",
    "settings": "import matplotlib\nprint(dict(matplotlib.rcParams))\nprint(matplotlib.get_backend())",
    "pandas": "print(pd.options.display.width, pd.options.display.max_columns)\nframe",
    "statsmodels": "import statsmodels.formula.api as smf\nfit = smf.ols('y ~ x + C(g)', frame).fit()\n"
    "print(fit.summary().tables[1])\nfit.summary().tables[1]",
    "warnings": "import warnings\nwarnings.warn('mind')\nnp.log(np.array([0.0]))",
    "streams": "import sys, os\nprint('out'); print('err', file=sys.stderr)\nos.write(1, b'from below\\n');",
    "python": "print(sys.path, __name__, sys.flags, sys.argv[1:2], "
    "sys.stdin.isatty() if sys.stdin else None)\n"
    "print({k: v for k, v in sorted(os.environ.items()) "
    "if 'THREADS' in k or k.startswith(('MPL', 'PYTHON'))})",
    "shell": "print(type(get_ipython()), get_ipython().user_global_ns is globals())\n%who_ls",
    "magic": "%matplotlib inline\nplt.plot([1, 2]);",
    "formats": "%config InlineBackend.figure_formats = ['svg']\n"
    "import matplotlib\nmatplotlib.rcParams['svg.hashsalt'] = 'x'\n"
    "plt.plot([2, 1]); plt.show()",
    "cores": "from joblib import Parallel, delayed\ndef square(x):\n    return x * x\n"
    "Parallel(n_jobs=2)(delayed(square)(i) for i in range(4))",
    "bar": "from tqdm.auto import tqdm\nprint(tqdm.__module__)",
    "widgets": "import ipywidgets\nfrom IPython.display import display\nshown = ipywidgets.Output()\n"
    "with shown:\n"
    "    plt.plot([3, 4]); plt.show()\ndisplay(ipywidgets.VBox([ipywidgets.IntSlider(3), shown]))",
    "unseen": "print(sorted(name for name in vars() if not name.startswith('_'))[:60])",
}


def executed(source, warm, **given):
    values = {**{name: each.default for name, each in source.parameters.items()}, **given}
    return running.execute(source, given, values, warm=warm)


def without_ids(text):
    """Widgets, SVG dates and process numbers are fresh each time, whatever the kernel."""
    text = re.sub(r"ipykernel_\d+", "PROCESS", text)
    text = re.sub(r"[0-9a-f]{32}", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+", "DATE", text)


def test_the_same_outputs_to_the_byte(home):
    home.simple("09_loyalty", *(code(name, source) for name, source in CELLS.items()))
    source = read("09")
    plain, warm = executed(source, False), executed(source, True)
    assert plain.ok, plain.error
    assert warm.ok, warm.error
    for one, other in zip(plain.notebook.cells, warm.notebook.cells):
        assert without_ids(str(one.get("outputs"))) == without_ids(str(other.get("outputs"))), one.id
    for done in (plain, warm):
        done.notebook.metadata.pop("widgets")  # ordered by their ids
    assert without_ids(as_text(plain.notebook)) == without_ids(as_text(warm.notebook))
    pictures = sum(
        "image/png" in output.get("data", {})
        for cell in plain.notebook.cells
        for output in cell.get("outputs", [])
    )
    assert pictures >= 5


def test_nothing_leaks_from_one_kernel_into_the_next(home):
    home.simple(
        "09_loyalty",
        code(
            "spoil",
            "import builtins, os, sys, numpy, pandas\nimport matplotlib.pyplot as plt\n"
            "builtins.leak = 1; os.environ['LEAK'] = '1'; numpy.leak = 1\n"
            "pandas.options.display.width = 7; plt.rcParams['figure.dpi'] = 7\n"
            "sys.modules['leak'] = os; os.chdir('/')\nplt.figure();",
        ),
    )
    home.simple(
        "10_next",
        code(
            "look",
            "import builtins, os, sys, numpy, pandas\nimport matplotlib.pyplot as plt\n"
            "record('leaks', [hasattr(builtins, 'leak'), 'LEAK' in os.environ, hasattr(numpy, 'leak'),"
            " pandas.options.display.width == 7, plt.rcParams['figure.dpi'] == 7, 'leak' in sys.modules,"
            " os.getcwd() == '/', bool(plt.get_fignums())])",
        ),
    )
    assert run("09").ok
    assert run("10").results["leaks"] == [False] * 8


def test_unseeded_numbers_differ_from_kernel_to_kernel(home):
    home.simple(
        "09_loyalty",
        code(
            "draw",
            "import random, numpy, scipy.stats\nrecord('draws', [random.random(), "
            "numpy.random.random(), numpy.random.default_rng().random(), "
            "scipy.stats.norm.rvs()], digits=12)",
        ),
    )
    one, other = run("09").results["draws"], run("09").results["draws"]
    assert all(a != b for a, b in zip(one, other))


def test_a_forked_kernel_is_what_ran(home):
    home.simple("09_loyalty", code("who", "import os; record('parent', os.getppid())"))
    assert run("09", warm=True).results["parent"] == kernels._state["process"].pid
    assert run("09", warm=False).results["parent"] == os.getpid()


def test_the_first_run_of_a_process_is_plain(home):
    home.simple("09_loyalty", code("who", "import os; record('parent', os.getppid())"))
    script = (
        "import os; from crmlab.notebook import run; "
        "print([run('09').results['parent'] == os.getpid() for _ in range(2)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[True, False]" and done.stderr == ""


def test_plain_kernels_where_there_is_no_zygote(home, monkeypatch):
    home.simple("09_loyalty", code("who", "import os; record('parent', os.getppid())"))
    monkeypatch.setattr(kernels, "CAN_FORK", False)
    assert run("09", warm=True).results["parent"] == os.getpid()


def test_plain_kernels_where_the_zygote_does_not_start(home, monkeypatch):
    home.simple("09_loyalty", code("who", "import os; record('parent', os.getppid())"))
    kernels.end_all()
    environment = kernels.environment
    monkeypatch.setattr(
        kernels, "_with_package", lambda variables: {**environment(), "PYTHONHOME": "/nowhere"}
    )
    assert run("09", warm=True).results["parent"] == os.getpid()
    kernels.end_all()


def test_a_zygote_that_was_killed_is_replaced(home):
    home.simple()
    assert run("09").ok
    first = kernels._state["process"]
    first.kill()
    first.wait()
    assert run("09").ok
    assert kernels._state["process"].pid != first.pid


def test_a_zygote_is_replaced_when_the_package_has_changed(home, monkeypatch):
    home.simple()
    assert run("09").ok
    first = kernels._state["process"].pid
    monkeypatch.setattr(kernels, "_fingerprint", lambda: "changed")
    assert run("09").ok
    assert kernels._state["process"].pid != first


def test_a_change_of_the_package_leaves_running_kernels_alone(home, tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    home.simple(
        "09_loyalty",
        code("wait", f"open({str(tmp_path / 'running')!r}, 'w').close()\nimport time; time.sleep(2)"),
    )
    home.simple("10_next")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, "09")
        while not (tmp_path / "running").exists() and not running.done():
            time.sleep(0.05)
        first = kernels._state["process"]
        monkeypatch.setattr(kernels, "_fingerprint", lambda: "changed")
        assert run("10").ok and kernels._state["process"].pid != first.pid
        assert running.result().ok
    assert first.wait(10) == 0, "it ends with its last kernel"


def children(pid):
    """All processes below `pid`."""
    found = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, found.splitlines())}
    below, layer = set(), {pid}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer}
        below |= layer
    return below


def gone(pids, patience=120):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if not any(
            Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
            for pid in pids
            if Path(f"/proc/{pid}/status").exists()
        ):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("warm", [True, False])
def test_no_process_outlives_the_one_that_started_it(home, tmp_path, number, warm):
    mark = tmp_path / "running"
    home.simple(
        "09_loyalty",
        code(
            "wait",
            "import subprocess, sys, time\nhelper = subprocess.Popen([sys.executable, '-c', "
            f"'import time; time.sleep(60)'])\nopen({str(mark)!r}, 'w').close()\ntime.sleep(60)",
        ),
    )
    script = (
        f"from crmlab.notebook import kernels, running\nif {warm}: kernels.wait_until_warm()\n"
        f"running._runs['count'] = 1\nrunning.run('09', warm={warm})"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 300
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert mark.exists()
    below = children(process.pid)
    assert len(below) >= 2
    process.send_signal(number)
    process.wait(300)
    if warm or number == signal.SIGINT:
        assert gone(below)
    else:  # a plain kernel whose parent was killed ends by itself; what it started has no one to end it
        for pid in below:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def test_no_files_are_left_behind(home, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    home.simple()
    script = "from crmlab.notebook import run; print(run('09').ok, run('09').ok)"
    before = sorted(os.listdir(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
    left = [name for name in sorted(os.listdir(tmp_path)) if name not in before]
    assert left == [], left


def test_a_reply_that_arrives_while_a_widget_sends_is_not_waited_for_in_vain():
    """jupyter_client sends on the socket that is waited on; the wake-up for what just came is gone then."""

    async def reply_while_sending(channel_class):
        with zmq.Context() as here, zmq.asyncio.Context() as there:
            kernel, socket = here.socket(zmq.ROUTER), there.socket(zmq.DEALER)
            socket.connect(f"tcp://127.0.0.1:{kernel.bind_to_random_port('tcp://127.0.0.1')}")
            session = Session(key=b"key")
            channel = channel_class(socket, session)
            channel.send(session.msg("request"))
            client = (await asyncio.to_thread(kernel.recv_multipart))[0]
            waiting = asyncio.ensure_future(channel.get_msg(timeout=None))
            await asyncio.sleep(0.1)
            session.send(kernel, "reply", ident=client)
            time.sleep(0.2)  # it arrives while the loop is busy,
            channel.send(session.msg("comm_msg"))  # with sending
            try:
                return (await asyncio.wait_for(waiting, 3))["msg_type"]
            except TimeoutError:
                return "nothing"
            finally:
                waiting.cancel()
                kernel.close(0), socket.close(0)

    assert asyncio.run(reply_while_sending(kernels.WakefulChannel)) == "reply"
    manager = kernels.PlainManager()
    client = manager.client()
    channels = client.shell_channel, client.iopub_channel, client.control_channel
    assert all(type(channel) is kernels.WakefulChannel for channel in channels)
    client.stop_channels()
    manager.context.destroy(0)


def test_a_channel_without_messages_keeps_its_time_limit():
    async def wait(seconds):
        with zmq.asyncio.Context() as context:
            socket = context.socket(zmq.DEALER)
            channel, start = kernels.WakefulChannel(socket, Session(key=b"key")), time.monotonic()
            with pytest.raises(Empty):
                await channel.get_msg(timeout=seconds)
            socket.close(0)
            return time.monotonic() - start

    asyncio.run(wait(0))
    assert asyncio.run(wait(1.3)) >= 1.2
