"""The whole course on one page, and as a PDF where there is a browser that prints."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import bs4
from markupsafe import Markup

from crmlab import files
from crmlab.book.chapters import Chapter
from crmlab.book.pages import filled
from crmlab.words import words

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
PDF = "course.pdf"
PATIENCE = 300  # seconds that a browser may take


def course_page(chapters: Sequence[Chapter], pages: Iterable[tuple[str, str]]) -> str:
    """All lessons without their code, then what `pages` hold, on one page to print or to search.

    Parameters
    ----------
    chapters : sequence of Chapter
    pages : iterable of (str, str)
        File name and HTML of further pages, such as the glossary; their ``main`` is taken.
    """
    parts = [
        {
            "prefix": _prefix(chapter.page),
            "title": f"{chapter.number} · {chapter.title}",
            "html": filled("chapter.html.j2", chapter=chapter),
        }
        for chapter in chapters
    ]
    for name, page in pages:
        main = bs4.BeautifulSoup(page, "html.parser").find("main")
        title = main.find("h1").get_text(" ", strip=True)
        parts.append({"prefix": _prefix(name), "title": title, "html": main.decode_contents()})
    prefixes = {f"{part['prefix']}.html" for part in parts}
    for part in parts:
        part["html"] = Markup(_inside(part["html"], part["prefix"], prefixes))
    return filled("course.html.j2", parts=parts)


def print_pdf(page: Path, out: Path) -> bool:
    """Print a page into the file `out` by the browser that is there; False if there is none or it fails."""
    program = browser()
    if program is None:
        return False
    with tempfile.TemporaryDirectory(prefix="crmlab-print-") as folder:
        printed = Path(folder) / "page.pdf"
        command = [program, "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions"]
        command += ["--disable-background-networking", f"--user-data-dir={folder}", "--no-pdf-header-footer"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command += ["--no-sandbox"]  # which the browser refuses to have as root
        if sys.platform == "linux":
            command += ["--disable-dev-shm-usage"]
        command += [f"--print-to-pdf={printed}", page.resolve().as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if not printed.is_file():
            return False
        files.write_bytes(out, printed.read_bytes())
    return True


def browser() -> str | None:
    """The browser in ``CHROMIUM``, else the first that is found."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)]
    found += [place for place in PLACES if Path(place).is_file()]
    return next(filter(None, found), None)


def _prefix(page: str) -> str:
    return page.removesuffix(".html")


def _inside(text: str, prefix: str, known: set[str]) -> str:
    """A page's HTML as part of one that holds several: names are made its own, links stay on the page."""

    def link(match: re.Match[str]) -> str:
        page, anchor = match["page"], match["anchor"] or ""
        if not page:
            return f'href="#{prefix}--{anchor}"'
        if page not in known:
            return match[0]
        return f'href="#{_prefix(page)}{"--" if anchor else ""}{anchor}"'

    text = re.sub(r'href="(?P<page>[\w.]*)(?:#(?P<anchor>[^"]*))?"', link, text)
    text = re.sub(r'(?<=[\s"])(id|for|name|aria-labelledby)="([^"]+)"', rf'\1="{prefix}--\2"', text)
    return re.sub(r"<(/?)h([1-5])\b", lambda match: f"<{match[1]}h{int(match[2]) + 1}", text)


def said(file: Path) -> str:
    """What to tell the user about the PDF."""
    return words("build.printed", file=file) if file.is_file() else words("build.no_browser")
