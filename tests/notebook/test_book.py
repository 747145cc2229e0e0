"""build: every lesson executed, with pages that can be read without Jupyter and without a network."""

import json
import os
import re

import bs4
import nbformat
import pytest

from crmlab.book import build, building
from crmlab.book.cells import offline
from crmlab.errors import InputError
from crmlab.notebook.formulas import check_formula, mathml

from .conftest import code, text
from .test_refresh import PICTURE, WIDGET

PROSE = r"""## What you will learn

An *estimand* $\beta_1 < 2$, and "$$\hat\beta = (X^\top X)^{-1} X^\top y$$" as a display.

[Next](11_value.ipynb#sums) and [away](../crmlab/theories/loyalty.py), [paper](https://doi.org/10.1177/1).

A. Author (2001). doi:10.1177/0092070301291002. [doi:10.1/2](https://doi.org/10.1/2)

![far](https://example.org/a.png)
"""


SHARED = {
    ".built.json",
    "bibliography.html",
    "course.html",
    "glossary.html",
    "index.html",
    "instructors.html",
    "ledger.html",
    "numbers.html",
    "from-lifetimes.html",
    "results.json",
    "search-index.js",
    "search.html",
}


def files_of(*lessons):
    """What a book of these lessons holds."""
    kinds = ("html", "ipynb", "slides.html", "teaching.html")
    return SHARED | {f"{lesson}.{kind}" for lesson in lessons for kind in kinds}


def library(home):
    """Three lessons, the last of which fails."""
    home.simple(
        "09_loyalty",
        text("learn", PROSE),
        code("picture", PICTURE),
        code("cover", PICTURE.replace("rises", "covers"), "cover"),
        code("widget", WIDGET),
        code(
            "html",
            "from IPython.display import HTML, display\n"
            "display(HTML('<script src=\"https://example.org/x.js\"></script><p>kept</p>'))",
        ),
        finding="",
    )
    home.write(
        "11_value",
        text("title", "# Value"),
        text("sums", "## Sums"),
        code("parameters", "seed = 5  # seed, 0 to 9\n", "parameters"),
        code(
            "test",
            "from crmlab.notebook import record\nimport pandas\nrecord('value', seed * 1000.5)\n"
            "record('groups', pandas.Series({'a': 1.5, 'b & c': 2.0}))\n"
            "record('frame', pandas.DataFrame({'x': [3]}, index=['row']))\nrecord('some', [1, 2])",
        ),
        title="Lifetime value",
    )
    home.write(
        "12_odd",
        text("title", "# Odd"),
        code("parameters", "rate = .5  # rate, 0 to 1\n", "parameters"),
        code("break", "x = 0\n1 / x"),
        code("after", "print('never')"),
        title="Odd & <b>bold</b>",
    )


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The book of the library, built once."""
    from .conftest import Home

    folder = tmp_path_factory.mktemp("book")
    (folder / "home").mkdir()
    home = Home(folder / "home")
    library(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLAB_HOME", str(home.folder))
        runs = build(folder / "build", parameters={"seed": "7", "rate": 1}, jobs=2, progress=False)
    return folder / "build", runs


def page(book, name):
    return bs4.BeautifulSoup((book[0] / name).read_text(encoding="utf-8"), "html.parser")


def test_what_is_written(book):
    folder, runs = book
    assert set(os.listdir(folder)) == files_of("09_loyalty", "11_value", "12_odd")
    assert [run.lesson for run in runs] == ["09_loyalty", "11_value", "12_odd"]
    assert [run.ok for run in runs] == [True, True, False]
    for run in runs:
        nbformat.validate(nbformat.read(folder / f"{run.lesson}.ipynb", as_version=4))


def test_results_by_name(book):
    results = json.loads((book[0] / "results.json").read_text())
    assert results["11_value"] == {
        "ok": True,
        "parameters": {"seed": 7},
        "error": None,
        "results": {
            "value": 7003.5,
            "groups": {"a": 1.5, "b & c": 2.0},
            "some": [1, 2],
            "frame": {"columns": ["index", "x"], "rows": [["row", 3]]},
        },
    }
    assert results["09_loyalty"]["results"]["sum"] == 107, "a parameter goes to every lesson that has it"
    assert results["12_odd"] == {
        "ok": False,
        "parameters": {"rate": 1.0},
        "results": {},
        "error": {
            "cell": "break",
            "number": 2,
            "name": "ZeroDivisionError",
            "message": "division by zero",
            "line": "1 / x",
        },
    }


@pytest.mark.parametrize(
    "name", sorted(name for name in files_of("09_loyalty", "11_value", "12_odd") if name.endswith(".html"))
)
def test_pages_ask_nothing_of_a_network_and_can_be_used_by_all(book, name):
    soup = page(book, name)
    assert not soup.find_all(["iframe", "object", "embed"])
    scripts = [script["src"] for script in soup.find_all("script", src=True)]
    assert scripts == (["search-index.js"] if name == "search.html" else [])
    fetched = [
        element[attribute]
        for attribute in ("src", "srcset", "poster", "data")
        for element in soup.find_all(attrs={attribute: True})
        if element.name != "script"
    ]
    fetched += [link["href"] for link in soup.find_all("link")]
    assert all(address.startswith("data:") for address in fetched), fetched
    assert not re.search(r"@import|url\(", str(soup.style))
    assert (
        soup.html["lang"] == "en"
        and soup.title.text.strip()
        and soup.find("meta", attrs={"name": "viewport"})
    )
    assert len(soup.find_all("h1")) == 1 and soup.find("main")["id"] == "content"
    assert all(image.get("alt", "").strip() for image in soup.find_all("img"))
    ids = [element["id"] for element in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for link in soup.find_all("a", href=True):
        address, _, anchor = link["href"].partition("#")
        if not address:
            assert anchor in ids, link
        elif not address.startswith("https:"):
            assert (book[0] / address).is_file(), link
            if anchor and address.endswith(".html"):
                assert page(book, address).find(id=anchor), link


def test_the_contents_page(book):
    soup = page(book, "index.html")
    cards = soup.find_all("li", class_="card")
    assert [card.h2.text for card in cards] == ["09_Loyalty", "Lifetime value", "Odd & <b>bold</b>"]
    assert cards[0].img["alt"] == "A line that covers.", "the picture of the cell tagged cover"
    assert [each.text for each in cards[0].find_all("dt")] == ["run with seed", "sum", "effect seen"]
    assert not cards[0].find(class_="finding"), "without a finding in words its first numbers stand for it"
    assert cards[1].find(class_="finding").text.split(maxsplit=3)[3].strip() == "It is so."
    assert [each.text for each in cards[1].find_all("dd")] == ["7"]
    assert "ZeroDivisionError: division by zero" in cards[2].text and "cell 'break'" in cards[2].text
    assert "1 of 3 lessons" in soup.find(role="alert").text
    assert re.search(r"ran in \d+\.\d s", cards[0].text)
    assert [link["href"] for link in cards[0].find_all("a")] == [
        "09_loyalty.html",
        "09_loyalty.slides.html",
        "09_loyalty.ipynb",
    ]


def test_a_lesson_page(book):
    soup = page(book, "09_loyalty.html")
    formulas = soup.find_all("math")
    assert [formula["display"] for formula in formulas] == ["inline", "block"]
    assert formulas[0]["alttext"] == r"\beta_1 < 2" and "$" not in soup.find(id="cell-learn").text
    links = {link.text: link["href"] for link in soup.find(id="cell-learn").find_all("a")}
    assert links == {
        "estimand": "glossary.html#estimand",
        "Next": "11_value.html#sums",
        "paper": "https://doi.org/10.1177/1",
        "doi:10.1/2": "https://doi.org/10.1/2",
        "doi:10.1177/0092070301291002": "https://doi.org/10.1177/0092070301291002",
    }
    assert not soup.select("a a")
    assert "away" in soup.find(id="cell-learn").text
    figures = [figure.text.split(maxsplit=2) for figure in soup.find_all("figure")]
    assert [" ".join(words[:2]) for words in figures] == ["Figure 9.1", "Figure 9.2", "Figure 9.3"]
    assert figures[0][2].strip() == "A line that rises.", (
        "without a caption, what others hear is shown to all"
    )
    assert "open the notebook in JupyterLab" in soup.find(id="cell-widget").text
    assert soup.find(id="cell-html").find("p", string="kept")
    assert "107" not in soup.main.text, "a recorded number is for machines"
    assert [link.text for link in soup.find(class_="toc").find_all("a")] == ["What you will learn"]
    assert soup.find(class_="turn").a.text == "Lifetime value →"


def test_tables_among_the_results_are_shown_and_numbers_are_not(book):
    cell = page(book, "11_value.html").find(id="cell-test")
    assert [each.text for each in cell.find_all(class_="note")] == ["groups", "frame"]
    shown = [each.text for each in cell.find_all(class_="out")]
    assert len(shown) == 2 and not any("7003.5" in each or "some" in each for each in shown)
    assert [[each.text for each in row.find_all(["th", "td"])] for row in cell.find_all("tr")] == [
        ["a", "1.5"],
        ["b & c", "2.0"],
        ["", "x"],
        ["row", "3"],
    ]


def test_a_failed_lesson_has_a_page_too(book):
    soup = page(book, "12_odd.html")
    assert "ZeroDivisionError" in soup.find(role="alert").text
    assert "division by zero" in soup.find(id="cell-break").find(class_="error").text
    assert "Odd &amp; &lt;b&gt;" in str(soup.title), "titles are text, not HTML"


def test_some_lessons_only(home, tmp_path):
    library(home)
    runs = build(tmp_path / "b", only=["value", "11"], progress=False)
    assert [run.lesson for run in runs] == ["11_value"]
    assert set(os.listdir(tmp_path / "b")) == files_of("11_value")


def test_only_what_changed_is_executed_again(home, tmp_path, monkeypatch):
    library(home)
    executed = []
    run_lesson = building.execute
    monkeypatch.setattr(
        building, "execute", lambda source, *rest, **options: executed.append(source.name) or
        run_lesson(source, *rest, **options)
    )  # fmt: skip
    out = tmp_path / "b"
    first = build(out, progress=False)
    assert sorted(executed) == ["09_loyalty", "11_value", "12_odd"]
    pages = {path.name: path.read_bytes() for path in out.glob("*.html")}
    executed.clear()
    second = build(out, progress=False)
    assert executed == ["12_odd"], "what failed is tried again"
    assert [run.as_dict() for run in second] == [run.as_dict() for run in first]
    unchanged = [name for name in pages if not name.startswith(("12", "index", "course"))]
    assert all((out / name).read_bytes() == pages[name] for name in unchanged), "seconds are kept, too"
    executed.clear()
    build(out, only=["09", "11"], progress=False)
    (out / "glossary.html").write_text("as it was")
    build(out, only=["09", "11"], progress=False)
    assert (out / "glossary.html").read_text() == "as it was", "nothing changed, so no page is written again"
    (out / "search.html").unlink()
    build(out, only=["09", "11"], progress=False)
    assert (out / "search.html").is_file() and (out / "glossary.html").read_text() != "as it was"
    build(out, only=["09", "11"], parameters={"seed": 3}, progress=False)
    assert sorted(executed) == ["09_loyalty", "11_value"]
    executed.clear()
    build(out, only=["11"], parameters={"seed": 3}, progress=False, fresh=True)
    assert executed == ["11_value"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"parameters": {"sed": 1}}, "no lesson here has the parameter 'sed'; known: n_customers, seed"),
        ({"parameters": {"rate": 1}, "only": ["11"]}, "no lesson here has the parameter 'rate'"),
        ({"parameters": {"rate": "x"}}, "rate must be a number"),
        ({"parameters": {"seed": 99}}, "outside its range"),
        ({"only": ["77"]}, "no lesson '77'"),
        ({"only": []}, "names no lesson"),
        ({"jobs": 0}, "jobs"),
    ],
)
def test_bad_input_builds_nothing(home, tmp_path, options, words):
    library(home)
    with pytest.raises(InputError, match=words):
        build(tmp_path / "b", **options)
    assert not (tmp_path / "b").exists()


def test_bad_folders(home, tmp_path):
    library(home)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        build(tmp_path / "file")
    with pytest.raises(InputError, match="the lessons themselves"):
        build(home.folder / "notebooks")


def test_no_lessons(home, tmp_path):
    with pytest.raises(InputError, match="no lessons"):
        build(tmp_path / "b")


@pytest.mark.parametrize(
    "formula",
    [
        r"\begin{align} y &= a \\ z &= b \end{align}",
        r"\begin{aligned} y &= a \\ z &= b \end{aligned}",
        r"X \sim N(0, 1)",
        r"\frac{\alpha + T}{\alpha + t_x}^{r + x}",
        r"\mathbb{E}[Y \mid do(X)]",
        r"{}_2F_1(a, b; c; z)",
        r"\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}",
        r"a \perp\!\!\!\perp b \label{x}",
    ],
)
def test_formulas_become_mathml(formula):
    element = bs4.BeautifulSoup(mathml(formula, "block"), "html.parser")
    assert element.math and "&" not in element.math.text and "\\" not in element.math.text
    assert element.math["alttext"] == formula
    check_formula(formula)


@pytest.mark.parametrize("formula", [r"\nonsense{x}", r"\frac{1}{", "x^"])
def test_formulas_that_cannot_be_read_are_shown_as_written(formula):
    assert bs4.BeautifulSoup(mathml(formula), "html.parser").code.text == formula
    with pytest.raises(ValueError):
        check_formula(formula)


def test_html_outputs_are_made_offline():
    kept = offline(
        '<style>@import "x"</style><link href="https://a/b.css"><img src="https://a/b.png" alt="curve">'
        '<table border="1"><tr><td>1</td></tr></table><img src="data:image/png;base64,AA" alt="here">'
    )
    assert kept == 'curve<table><tr><td>1</td></tr></table><img alt="here" src="data:image/png;base64,AA"/>'
