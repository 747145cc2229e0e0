"""The game's pages in a browser: readable on a screen and on a phone, and nothing for axe to find."""

import pytest

PAGES = (
    "rules.html",
    "board.html",
    "teams/lists/round-1/page.html",
    "teams/lists/end/page.html",
    "reveal/index.html",
)


@pytest.mark.parametrize("look", ["light", "phone", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_pages_are_accessible(assert_accessible, played, revealed, page, look):
    assert_accessible(played / page, look)


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_has_a_caption_and_its_own_alt_text(played, revealed, page):
    from bs4 import BeautifulSoup

    tree = BeautifulSoup((played / page).read_text(encoding="utf-8"), "html.parser")
    for figure in tree.find_all("figure"):
        alt, caption = figure.img["alt"], figure.figcaption.get_text(strip=True)
        assert len(alt) > 40
        assert len(caption) > 40
        assert alt != caption
    assert "None" not in tree.get_text()
    assert "nan" not in tree.get_text().split()
