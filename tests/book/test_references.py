"""References and citations: read, matched, listed where one lacks the other; one bibliography."""

import pytest

from crmlab.book.bibliography import bibliography
from crmlab.notebook.references import citations, read_reference, read_references, uncited, unreferenced

from .conftest import code, table, text

LIST = """## References

- Fader, P. S., & Hardie, B. G. S. (2007). How to project customer retention. *Journal of Interactive
  Marketing.* doi:10.1002/dir.20074
- van Zyl, J. M., Neudecker, H., & Nel, D. G. (2000). On the distribution. *Psychometrika.*
- Pfeifer, P. E. (2000). Markov chains. doi:10.1002/(SICI)1520-6653(200021)14:2<43::AID-DIR4>3.0.CO;2-H.
- Data: CDNOW, shipped with the package.
"""


def test_entries_are_read():
    fader, zyl, pfeifer, data = read_references(LIST)
    assert (fader.authors, fader.year, fader.doi) == (("Fader", "Hardie"), "2007", "10.1002/dir.20074")
    assert (
        fader.text.endswith("Marketing.* doi:10.1002/dir.20074") and fader.anchor == "ref-fader-hardie-2007"
    )
    assert (zyl.authors, zyl.doi) == (("van Zyl", "Neudecker", "Nel"), "")
    assert pfeifer.doi == "10.1002/(SICI)1520-6653(200021)14:2<43::AID-DIR4>3.0.CO;2-H"
    assert (data.authors, data.year) == ((), "")


@pytest.mark.parametrize(
    "written, found",
    [
        ("As Oliver (1980) says", [("Oliver", "1980")]),
        ("Fader, Hardie and Lee (2005a, 2005b)", [("Fader", "2005a"), ("Fader", "2005b")]),
        ("it shrinks (Nickell 1981; Bun & Carree, 2005)", [("Nickell", "1981"), ("Bun", "2005")]),
        ("Fornell and Larcker's (1981) rule", [("Fornell", "1981")]),
        ("positive: Jones et al. (2000)", [("Jones", "2000")]),
        ("van Zyl, Neudecker &amp; Nel (2000)", [("van Zyl", "2000")]),
        ("from March 1997 to June 1998, and (since May 1999)", []),
        ("CDNOW had 23570 customers in 1997", []),
        ("The Model 2000 was sold", []),
    ],
)
def test_citations_are_found(written, found):
    assert [(each.authors[0], each.year) for each in citations(written)] == found


def test_a_citation_means_its_entry_alone():
    (citation,) = citations("Fader and Lee (2005)")
    assert citation.means(read_reference("Fader, P. S., Hardie, B. G. S., & Lee, K. L. (2005). RFM."))
    assert not citation.means(read_reference("Fader, P. S., & Hardie, B. G. S. (2005). Other."))
    assert not citation.means(read_reference("Fader, P. S., Hardie, B. G. S., & Lee, K. L. (2006). RFM."))


def test_what_is_not_cited_and_what_has_no_entry():
    cells = [
        text("look", "So van Zyl, Neudecker and Nel (2000), but Oliver (1980) not."),
        code("market", "1", table("<td>sign: Pfeifer (2000)</td>")),
        text("references", LIST),
    ]
    assert [each.authors[0] for each in uncited(cells)] == ["Fader"], "what a table shows is cited, too"
    assert [(cell, each.text) for cell, each in unreferenced(cells)] == [("look", "Oliver (1980")]


def test_one_bibliography_of_all_lessons(shelf):
    short = "- Morris, T. P., & White, I. R. (2019). Using simulation. *Statistics in Medicine.*"
    full = short[:-1] + ", 38,* 2074. doi:10.1002/sim.8086"
    other = "- Morris, T. P., & White, I. R. (2019). Quite another paper."
    shelf.write("01_a", text("title", "# A"), text("references", f"## References\n\n{short}\n{other}"))
    shelf.write("02_b", text("title", "# B"), text("references", f"## References\n\n{full}"))
    entries = bibliography(shelf.chapters())
    assert [[chapter.number for chapter in entry.lessons] for entry in entries] == [["01"], ["01", "02"]]
    assert 'href="https://doi.org/10.1002/sim.8086"' in entries[1].html, "the fuller form is kept"
