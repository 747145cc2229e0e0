"""The book in a real browser, from files: accessible, searched, copied from, folded, turned, printed."""

import pytest

from crmlab import places
from crmlab.book.printing import print_pdf

from .conftest import stored_chapters, written

LESSONS = [lesson.stem for lesson in places.lessons()]
SHARED = ["bibliography", "course", "glossary", "index", "instructors", "ledger", "numbers", "search"]
PAGES = [*SHARED, *(f"{lesson}{kind}" for lesson in LESSONS for kind in ("", ".slides", ".teaching"))]
KINDS = [*SHARED, LESSONS[-1], f"{LESSONS[-1]}.slides", f"{LESSONS[-1]}.teaching", f"{LESSONS[-1]}.solutions"]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The book of the lessons as they are stored, with solutions."""
    out = tmp_path_factory.mktemp("book")
    written(stored_chapters(), out, solutions=True)
    return out


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible(book, assert_accessible, name):
    assert_accessible(book / f"{name}.html")


@pytest.mark.parametrize("look", ["dark", "phone"])
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_page_is_accessible_in_the_dark_and_on_a_phone(book, assert_accessible, name, look):
    assert_accessible(book / f"{name}.html", look)


def test_search_finds_sections_from_a_file_without_a_server(book, visit):
    tab = visit(f"{(book / 'search.html').as_uri()}?q=kaplan+CENSORED")
    hits = [link.get_attribute("href") for link in tab.query_selector_all("#hits a")]
    assert any(hit.startswith("10_lifecycle.html#") for hit in hits), hits
    assert tab.query_selector("#hits mark")
    tab.fill("#query", "no such word anywhere")
    assert not tab.query_selector_all("#hits li") and tab.inner_text("#found")
    tab.fill("#query", "满意度")
    assert tab.query_selector_all("#hits a"), "Chinese, which has no spaces, is found inside a sentence"
    tab.fill("#query", "kaplan")
    tab.click("#hits a")
    assert tab.evaluate("!!document.querySelector(':target')"), "a hit leads to its section"


def test_the_search_field_of_a_lesson_leads_to_the_search(book, visit):
    tab = visit(book / f"{LESSONS[0]}.html")
    tab.fill("#query", "estimand")
    tab.press("#query", "Enter")
    tab.wait_for_selector("#hits a")
    assert tab.url.endswith("search.html?q=estimand")


def test_without_scripts_the_search_says_where_everything_is(book, visit):
    tab = visit(book / "search.html", java_script_enabled=False)
    assert tab.get_attribute("noscript a, main a", "href") == "course.html"


def test_claims_are_found_filtered_and_ordered(book, visit):
    tab = visit(book / "ledger.html")
    assert "168 of 168" in tab.inner_text("#sieve-count")
    tab.fill("#sieve-text", "five times cheaper")
    shown = tab.locator("#claims > li:not([hidden])")
    assert shown.count() == 1 and "3至5倍" in shown.inner_text()
    tab.fill("#sieve-text", "")
    tab.select_option("#sieve-state", "not testable")
    assert 0 < shown.count() < 168
    tab.select_option("#sieve-state", "")
    tab.select_option("#sieve-order", "naive_confirms")
    order = shown.evaluate_all("all => all.map(each => Number(each.dataset.naiveConfirms ?? -1))")
    assert order == sorted(order, reverse=True) and order[0] > 0.9


def test_code_is_copied_and_folded(book, visit):
    tab = visit(book / f"{LESSONS[-1]}.html", permissions=["clipboard-read", "clipboard-write"])
    first = tab.locator("details.code[open]").first
    first.locator("button.copy").click()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == first.locator("pre").inner_text().strip()
    tab.click("button.fold")
    assert tab.locator("details.code[open]").count() == 0
    tab.click("button.fold")
    assert tab.locator("details.code:not([open])").count() == 0


def test_slides_are_turned_by_keys(book, visit):
    tab = visit(book / f"{LESSONS[-1]}.slides.html")
    count = tab.locator(".slide").count()
    assert count >= 5
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press(" ")
    assert tab.url.endswith("#3")
    tab.keyboard.press("End")
    assert tab.url.endswith(f"#{count}")
    tab.keyboard.press("ArrowRight")
    assert tab.url.endswith(f"#{count}"), "the last slide stays"
    tab.keyboard.press("Home")
    assert tab.evaluate("document.activeElement.querySelector('h1') !== null")


def test_print_leaves_out_code_and_navigation(book, visit):
    tab = visit(book / f"{LESSONS[-1]}.html")
    tab.emulate_media(media="print")
    assert not tab.locator("details.code").first.is_visible() and not tab.locator(".site").is_visible()
    assert tab.locator("figcaption").first.is_visible()


def test_the_whole_course_as_a_pdf(book, tmp_path, chromium):
    assert print_pdf(book / "course.html", tmp_path / "course.pdf")
    assert (tmp_path / "course.pdf").read_bytes().startswith(b"%PDF")
