"""What the book adds to the lessons: links, captions, folds, glossary, slides, search, all on one page."""

import json
import re

import bs4
import pytest
from nbformat.v4 import new_output

from crmlab.book import pages
from crmlab.book.glossary import Term, glossary, statistical_terms
from crmlab.book.linking import Linker
from crmlab.book.printing import course_page
from crmlab.book.searching import search_index
from crmlab.book.slides import slides_page
from crmlab.errors import InputError
from crmlab.notebook.references import read_references

from .conftest import code, picture, table, text, written

BIAS = Term("bias", "bias", "How far <off>.", ("bias", "biases"))
AVE = Term("ave", "average variance extracted", "A share.", ("average variance extracted", "AVE"))
PAGES = {"04": "04_satisfaction.html", "09": "09_loyalty.html", "10": "10_lifecycle.html"}


@pytest.fixture
def linker():
    references = read_references("- Oliver, R. L. (1980). A model.\n")
    return Linker("09", PAGES, references, [BIAS, AVE])


def soup(text):
    return bs4.BeautifulSoup(text, "html.parser")


@pytest.mark.parametrize(
    "written, linked",
    [
        ("see lesson 04 and lesson 09", [("lesson 04", "04_satisfaction.html")]),
        ("Lessons 04, 08 and 10", [("04", "04_satisfaction.html"), ("10", "10_lifecycle.html")]),
        ("<h2>Lesson 04</h2><code>lesson 04</code><a href='x'>lesson 04</a>", [("lesson 04", "x")]),
        ("Oliver (1980) and Reichheld (2003)", [("Oliver (1980", "#ref-oliver-1980")]),
        ("Bias, biases and bias", [("Bias", "glossary.html#bias")]),
        ("unbiased, bias-free, debias", []),
        ("we have; the AVE", [("AVE", "glossary.html#ave")]),
        ("an average. Ave, Caesar", []),
        ("<math alttext='bias'><mi>bias</mi></math> <pre>bias</pre>", []),
    ],
)
def test_links_that_the_text_does_not_write(linker, written, linked):
    found = soup(linker(written))
    assert [(link.text, link["href"]) for link in found.find_all("a")] == linked
    assert found.get_text() == soup(written).get_text(), "only links are added"


def test_a_term_is_linked_where_it_is_first_used(linker):
    first, second = linker("<p>the bias</p>"), linker("<p>its bias</p>")
    assert soup(first).a["title"] == "How far <off>." and not soup(second).a
    assert linker.used == [BIAS]


def test_terms_of_statistics_are_told_apart():
    terms = statistical_terms()
    assert len(terms) > 50 and len({term.anchor for term in terms}) == len(terms)
    forms = [form.lower() for term in terms for form in term.forms]
    assert len(forms) == len(set(forms)), "a form leads to one term"
    assert all(term.definition.endswith(".") for term in terms)


def test_the_glossary_holds_the_constructs_of_the_lessons_theories(shelf):
    shelf.write("00_start", text("title", "# Start"), theory="start_here")
    (chapter,) = shelf.chapters()
    own = [term for term in glossary([chapter.source]) if term.theory]
    assert own and all(term.definition for term in own)
    shelf.write("00_start", text("title", "# Start"), theory="nonsense")
    with pytest.raises(InputError, match="lesson 00_start names the theory 'nonsense'"):
        shelf.chapters()


@pytest.fixture
def lesson(shelf):
    """A lesson with two figures, a table and a fold."""
    shelf.write(
        "09_loyalty",
        text("title", "# 09 · Loyalty"),
        text("practitioners", "## What they say\n\n> The customer is king."),
        code("parameters", "seed = 1", tags=["parameters"]),
        text(
            "fold",
            "## Fold\n\n<details><summary>More</summary>\n\n| | b |\n|---|---|\n| 1 | 2 |\n\n</details>",
        ),
        code("cover", "draw()", picture("A cloud.", "Few are <b> loyal."), tags=["cover"]),
        code("estimate", "fit()", table("<table><thead><tr><th></th><th>b</th></tr></thead></table>")),
        text("break", "## Break\n\nBias in lesson 04."),
        code("trap-picture", "draw(2)\n" * 12, picture("A rising line.")),
        text("summary", "## Summary\n\nEnd."),
        finding="The rating does nothing.",
        questions=["How many?", "Who?", "Why?", "What then?"],
    )
    return shelf.chapters()


def test_figures_have_numbers_and_captions(lesson):
    first, second = lesson[0].rendered.figures
    assert (first["number"], first["alt"]) == ("9.1", "A cloud.")
    assert first["caption"] == "Few are &lt;b&gt; loyal.", "a caption is text, not HTML"
    assert (second["caption"], second["alt"]) == ("A rising line.", "Figure 9.2, described below it")


def test_code_that_draws_at_length_is_folded(lesson):
    folded = {cell["id"]: cell["folded"] for cell in lesson[0].rendered.cells if cell["kind"] == "code"}
    assert folded == {"parameters": False, "cover": False, "estimate": False, "trap-picture": True}


def test_tables_and_folds_of_the_text(lesson):
    cell = next(cell for cell in lesson[0].rendered.cells if cell["id"] == "fold")
    fold = soup(cell["html"]).details
    assert fold.find("table"), "a fold holds the table that follows its summary"
    assert [each.name for each in fold.thead.find_all(["th", "td"])] == ["td", "th"], "no header of nothing"
    output = next(cell for cell in lesson[0].rendered.cells if cell["id"] == "estimate")["outputs"][0]
    assert [each.name for each in soup(output["html"]).find_all(["th", "td"])] == ["td", "th"]


def test_slides_hold_claim_quotation_questions_figures_and_finding(lesson):
    page = soup(slides_page(lesson[0]))
    titles = [slide.find(["h1", "h2"]).text for slide in page.find_all("section")]
    assert titles == [
        "Loyalty",
        "What practitioners say",
        "What do you expect?",
        "What the data show",
        "The trap",
        "What is found",
        "To discuss",
    ]
    assert [figure["id"] for figure in page.find_all("figure")] == ["figure-9-1", "figure-9-2"]
    assert "The customer is king." in page.text and "The rating does nothing." in page.text


def test_a_quotation_in_the_text_is_shown_if_none_is_set_apart(shelf):
    said = "Of old.\n\n- plain words\n- they say 「客户至上」, customers first (Oliver 1980)"
    shelf.write(
        "09_loyalty",
        text("practitioners", f"## What they say\n\n{said}"),
        text("references", "## References\n\n- Oliver, R. L. (1980). A model."),
    )
    quoted = soup(slides_page(shelf.chapters()[0])).find("blockquote")
    assert quoted.text.strip() == "they say 「客户至上」, customers first (Oliver 1980)"
    assert quoted.a["href"] == "09_loyalty.html#ref-oliver-1980"


def test_the_search_index_holds_every_section(lesson):
    script = search_index(lesson, [BIAS])
    sections = json.loads(re.fullmatch(r"const sections = (\[.*\]);\n", script, re.DOTALL)[1])
    found = {page: (section, text, program) for page, _, section, text, program in sections}
    assert (
        found["09_loyalty.html#fold"][0] == "Fold"
        and "Few are <b> loyal." in found["09_loyalty.html#fold"][1]
    )
    assert found["09_loyalty.html#break"][1] == "Bias in lesson 04. A rising line."
    assert "draw(2)" in found["09_loyalty.html#break"][2]
    assert found["glossary.html#bias"][0] == "bias"


def test_the_course_on_one_page_keeps_names_apart(shelf):
    for name in ("01_a", "02_b"):
        shelf.write(
            name, text("title", f"# {name}"), text("sums", "## Sums\n\nSee lesson 01 and [sums](#sums).")
        )
    page = soup(
        course_page(shelf.chapters(), [("glossary.html", "<main><h1>Glossary</h1><p id='x'>T</p></main>")])
    )
    ids = [each["id"] for each in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = {link["href"] for link in page.select(".part a")}
    assert links == {"#01_a", "#01_a--sums", "#02_b--sums"}
    assert [heading.text for heading in page.find_all("h2")] == ["01_a", "02_b", "Glossary"]
    assert not page.find(class_="code")


def test_no_page_reaches_for_the_network(lesson, tmp_path):
    for name in written(lesson, tmp_path / "out"):
        content = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert not re.search(r'(src|href)="(https?:)?//(?!doi\.org)', content), name
        assert not re.search(r"fetch\(|XMLHttpRequest|@import|url\((?!#)", content), name


# Predictions and quizzes --------------------------------------------------------------------------------


def test_predictions_and_quizzes_work_on_a_page_without_a_kernel(shelf):
    from crmlab.widgets import Question, predict, quiz

    asked = predict("How many of *100*?", 0, 100, name="n")._repr_mimebundle_()
    ended = quiz("end", Question("Which?", 0.1, {"the naive line": 0.9}, because="So."))._repr_mimebundle_()
    outputs = [
        new_output("execute_result", data=json.loads(json.dumps(each)), execution_count=1)
        for each in (asked, ended)
    ]
    shelf.write("09_loyalty", code("ask", "ask", outputs[0]), code("end", "end", outputs[1]))
    page = bs4.BeautifulSoup(pages.lesson_page(book := shelf.chapters(), book[0]), "html.parser")
    assert page.find("input", type="number")["max"] == "100" and page.find("em", string="100")
    assert len(page.find_all("input", type="radio")) == 2 and page.select(".crmlab-said")
    assert "input:not(:checked) ~ .crmlab-said" in str(page.style) + str(page.find_all("style"))


def test_a_caption_stands_once_with_its_emphasis(shelf):
    mark = new_output(
        "display_data", data={"text/html": "<p>Few <em>are</em>.</p>"}, metadata={"crmlab": {"caption": True}}
    )
    shelf.write("09_loyalty", code("picture", "show()", picture("A line.", "Few *are*."), mark))
    page = bs4.BeautifulSoup(pages.lesson_page(book := shelf.chapters(), book[0]), "html.parser")
    assert page.figcaption.em.text == "are" and len(page.find_all(string="are")) == 1
