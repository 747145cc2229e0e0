"""JupyterLab in a real browser: a lesson runs, its explorable moves, an exercise shows its cards."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no playwright: pip install playwright, for the browser tests"
)

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
]
HERE = re.compile(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:")
PATIENCE = 120_000  # ms, on a machine that is busy with other tests

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt install chromium, or set CHROMIUM to one"
)

SETTINGS = {
    # News and update checks reach for the network; cells out of sight must still be there to be looked at.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}


class Server:
    """JupyterLab on this machine, with settings of its own, over one folder of notebooks."""

    def __init__(self, folder):
        self.folder, self.token = folder / "notebooks", secrets.token_hex(16)
        self.folder.mkdir()
        for name, settings in SETTINGS.items():
            extension, plugin = name.split("/")
            path = folder / "settings" / "@jupyterlab" / extension / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        environment = {**os.environ, **{name: str(folder / place) for name, place in own.items()}}
        options = [
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.folder}",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--ServerApp.terminals_enabled=False",
        ]
        self.log = folder / "log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def _wait(self):
        until = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api?token={self.token}", timeout=2)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.end()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")

    def address(self, notebook):
        return f"http://127.0.0.1:{self.port}/lab/tree/{notebook}?reset&token={self.token}"

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Visit:
    """A notebook open in JupyterLab, and what went wrong while it was."""

    def __init__(self, server, browser):
        self.server = server
        self.context = browser.new_context(viewport={"width": 1280, "height": 1000})
        self.outside, self.errors = [], []
        self.context.route("**/*", self._only_here)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.set_default_timeout(PATIENCE)
        self.panel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def _only_here(self, route):
        if HERE.match(route.request.url):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def open(self, notebook):
        self.page.goto(self.server.address(notebook))
        self.panel.wait_for()
        # The toolbar shows "idle" before the session is attached; "Run All" would then ask for a kernel.
        self.page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def run_all(self, cells):
        """Run all cells; wait until the last of `cells` code cells has its number and the kernel is idle."""
        for menu in ("Edit", "Clear Outputs of All Cells"), ("Run", "Run All Cells"):
            for item in menu:
                self.page.get_by_role("menuitem", name=item, exact=True).click()
        self.page.wait_for_function(
            """count => {
                const prompts = [...document.querySelectorAll(
                    '.jp-NotebookPanel:not(.lm-mod-hidden) ' +
                    '.jp-CodeCell .jp-InputPrompt')]
                    .map(each => each.textContent.trim()).filter(each => each);  // folded cells have none
                const failed = document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
                return failed || prompts.length >= count && prompts.every(each => /^\\[\\d+\\]:$/.test(each));
            }""",
            arg=cells,
        )
        self.page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def complaints(self):
        """Errors and warnings that cells show."""
        kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
        return [
            text
            for kind in kinds
            for text in self.panel.locator(f'[data-mime-type="{kind}"]').all_inner_texts()
        ]

    def without_alt(self):
        """Pictures of our own HTML, cards and explorables, that tell nothing to those who cannot see them.

        JupyterLab 4.6 leaves out the alt text that an output's metadata give for an image/png.
        """
        return self.panel.locator(".jp-RenderedHTMLCommon img, .widget-html-content img").evaluate_all(
            "pictures => pictures.filter(each => !(each.alt || '').trim()).map(each => each.src.slice(0, 60))"
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("lab"))
    yield server
    server.end()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(server, browser):
    visit = Visit(server, browser)
    yield visit
    visit.context.close()


def code_cells(path):
    """Code cells that show a prompt: folded ones do not."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return sum(not cell.metadata.get("jupyter", {}).get("source_hidden", False) for cell in cells)


def test_lesson_09_runs_and_its_explorable_moves(server, visit, root):
    path = shutil.copy(root / "notebooks" / "09_loyalty.ipynb", server.folder)
    visit.open("09_loyalty.ipynb")
    visit.run_all(code_cells(path))
    picture = visit.panel.locator(".crmlab-picture img")
    picture.wait_for()  # it comes near the end, and its folded cell shows no prompt to wait for
    assert visit.complaints() == []
    assert visit.panel.locator(".jp-OutputArea-output img").count() >= 6 and visit.without_alt() == []

    before, said = picture.get_attribute("src"), picture.get_attribute("alt")
    assert before.startswith("data:image/png;base64,") and "%" in said
    handle = visit.panel.locator(".crmlab-explorable .noUi-handle").first
    readout = visit.panel.locator(".crmlab-explorable .widget-readout").first
    stood = float(readout.inner_text())
    handle.focus()
    for _ in range(3):
        handle.press("ArrowRight")
    visit.page.wait_for_function(
        "before => document.querySelector('.crmlab-picture img')?.src !== before", arg=before
    )
    assert float(readout.inner_text()) > stood
    playwright.expect(picture).not_to_have_attribute("alt", said)
    assert len(picture.get_attribute("alt")) > 40
    assert picture.evaluate("each => each.complete && each.naturalWidth") > 400, "it is a picture, and drawn"

    assert visit.outside == [], "nothing is asked of other machines"
    assert visit.errors == []


def test_an_exercise_copy_shows_its_cards(server, visit):
    from crmlab.exercises.copies import start

    path, master, _ = start("09", seed=9, out=server.folder)
    notebook = nbformat.read(path, as_version=4)
    solution = next(cell for cell in master.notebook.cells if cell.id == "q1-solution").source
    cell = next(cell for cell in notebook.cells if cell.id == "q1-solution")
    cell.source = solution.replace("### BEGIN SOLUTION\n", "").replace("### END SOLUTION\n", "")
    nbformat.write(notebook, path)
    visit.open(path.name)
    visit.run_all(code_cells(path))
    assert visit.complaints() == []
    cards = visit.panel.locator(".crmlab-card")
    assert cards.count() == len(master.checks)
    shown = cards.all_inner_texts()
    assert "Right" in shown[0] and not any("Right" in each for each in shown[1:]), shown
    assert visit.without_alt() == [] and visit.outside == [] and visit.errors == []
