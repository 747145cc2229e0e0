"""Pages in a real browser, without a network, and what axe-core says of them."""

import os
import shutil
from pathlib import Path

import pytest

PLACES = ("node_modules/axe-core/axe.min.js", "/usr/share/javascript/axe-core/axe.min.js")
LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "phone": ("light", 390)}


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core."""
    for place in (os.environ.get("CRMLAB_AXE"), *PLACES):
        if place and Path(place).is_file():
            return Path(place).read_text(encoding="utf-8")
    return pytest.skip("no axe-core: npm install axe-core, and set CRMLAB_AXE=.../axe.min.js")


@pytest.fixture(scope="module")
def chromium():
    """A browser."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium: apt install chromium, or set CHROMIUM to one")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install playwright, for the browser tests"
    )
    with playwright.sync_playwright() as started:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = started.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """``visit(path, look)`` opens a page and returns its tab; a path may be an address with a query."""
    contexts = []

    def opened(path, look="light", **options):
        scheme, width = LOOKS[look]
        context = chromium.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": 844},
            bypass_csp=True,
            offline=True,
            **options,
        )
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(120_000)  # the machine may be busy
        tab.goto(path if str(path).startswith("file:") else Path(path).as_uri(), timeout=120_000)
        return tab

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def assert_accessible(visit, axe):
    """``assert_accessible(path, look)``: axe finds nothing, and nothing is wider than the screen."""

    def check(path, look="light"):
        tab = visit(path, look)
        wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px wider than the screen"
        tab.evaluate(axe)
        found = tab.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        assert not found, [
            (each["id"], each["impact"], [node["target"] for node in each["nodes"][:3]]) for each in found
        ]

    return check
