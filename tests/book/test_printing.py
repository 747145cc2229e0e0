"""The PDF of the course: made by the browser that is there, and said where there is none."""

import stat

import pytest

from crmlab.book import printing


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page with spaces.html"
    path.write_text("<p>Page</p>")
    return path


def stand_in(folder, script):
    """A program in place of the browser."""
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_without_a_browser_nothing_is_printed_and_that_is_said(page, tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "browser", lambda: None)
    assert not printing.print_pdf(page, tmp_path / "out.pdf") and not (tmp_path / "out.pdf").exists()
    assert "Chromium" in printing.said(tmp_path / "out.pdf")


def test_the_browser_is_told_what_to_print(page, tmp_path, monkeypatch):
    script = 'for each in "$@"; do case $each in --print-to-pdf=*) echo "%PDF $*" > "${each#*=}";; esac; done'
    monkeypatch.setenv("CHROMIUM", stand_in(tmp_path, script))
    assert printing.print_pdf(page, tmp_path / "out.pdf")
    called = (tmp_path / "out.pdf").read_text()
    assert page.as_uri() in called and "--no-pdf-header-footer" in called
    assert str(tmp_path / "out.pdf") in printing.said(tmp_path / "out.pdf")


def test_a_browser_that_fails_leaves_nothing(page, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", stand_in(tmp_path, "exit 1"))
    assert not printing.print_pdf(page, tmp_path / "out.pdf") and not (tmp_path / "out.pdf").exists()
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "nowhere"))
    assert not printing.print_pdf(page, tmp_path / "out.pdf")
