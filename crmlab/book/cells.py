"""Cells of an executed notebook as HTML."""

import copy
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bs4
from markupsafe import Markup
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from crmlab.book.linking import Linker
from crmlab.notebook.formulas import mathml
from crmlab.notebook.pictures import picture
from crmlab.notebook.recording import MIME, is_silent
from crmlab.notebook.references import read_reference
from crmlab.notebook.widgets import is_caption, is_fallback, without_widgets
from crmlab.words import words
from crmlab.words.marks import as_html

SHORT = 8  # lines of a figure's code that stay in plain sight
_DOI = re.compile(r"doi:(10\.\d{4,9}/(?:[^\s<>&]|&lt;|&gt;)*[^\s<>&.,;)])")


@dataclass
class Rendered:
    """A lesson's cells for the template.

    Attributes
    ----------
    cells : list of dict
        ``kind`` is ``"text"`` or ``"code"``.
    headings : list of (int, str, str)
        Level, text and anchor.
    figures : list of dict
        Number, picture, caption and the cell's id, in their order.
    """

    cells: list[dict[str, Any]] = field(default_factory=list)
    headings: list[tuple[int, str, str]] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)


def rendered_cells(
    notebook: Any, folder: Path, names: Iterable[str], linker: Linker, number: str
) -> Rendered:
    """Cells for the template, and the headings and figures among them.

    Parameters
    ----------
    notebook : NotebookNode
    folder : Path
        Where the lesson lies, for pictures that its text shows.
    names : iterable of str
        Lessons that have a page, for the links between them.
    linker : Linker
    number : str
        The lesson's, with which figures are numbered: ``"09"`` gives Figure 9.1.
    """
    renderer = Renderer(folder, names)
    markdown = MarkdownWithMath(renderer=renderer)
    rendered = Rendered(headings=renderer.headings)
    for cell in without_widgets(copy.deepcopy(notebook)).cells:
        if cell.cell_type == "markdown" and cell.source.strip():
            renderer.attachments = cell.get("attachments", {})
            text = Markup(linker(markdown.render(cell.source)))
            rendered.cells.append({"kind": "text", "id": cell.id, "html": text})
        elif cell.cell_type == "code" and (cell.source.strip() or cell.outputs):
            # A caption stands under its figure, and a recorded number is for machines.
            shown = [each for each in cell.outputs if not (is_caption(each) or is_silent(each))]
            outputs = [_output(output, markdown) for output in shown]
            figures = _numbered(outputs, rendered, cell.id, linker, number.lstrip("0") or "0")
            rendered.cells.append(_code_cell(cell, outputs, figures))
    return rendered


def _code_cell(cell: Any, outputs: list[dict[str, Any]], figures: list[dict[str, Any]]) -> dict[str, Any]:
    """A code cell for the template; long drawing and what is hidden in JupyterLab is folded."""
    tags = cell.metadata.get("tags", [])
    hidden = "remove-input" in tags or cell.metadata.get("jupyter", {}).get("source_hidden", False)
    if figures:
        summary = words("build.code_of", figure=words("build.figure", number=figures[0]["number"]))
    else:
        summary = words("build.code")
    return {
        "kind": "code",
        "id": cell.id,
        "folded": hidden or (bool(figures) and cell.source.count("\n") >= SHORT),
        "summary": summary,
        "html": _code(cell.source) if cell.source.strip() else "",
        "outputs": outputs,
    }


def _numbered(
    outputs: list[dict[str, Any]], rendered: Rendered, cell: str, linker: Linker, chapter: str
) -> list[dict[str, Any]]:
    """The figures among a cell's outputs, each given its number and caption."""
    found = [output for output in outputs if output["kind"] == "picture"]
    for output in found:
        shown = output["picture"]
        number = f"{chapter}.{len(rendered.figures) + 1}"
        # A picture without a caption is described to everybody by what those hear who cannot see it.
        caption = shown.caption or shown.alt
        alt = shown.alt if shown.caption else ""
        output |= {
            "number": number,
            "cell": cell,
            "caption": Markup(linker(as_html(caption))),
            "alt": alt or words("build.described_below", figure=words("build.figure", number=number)),
        }
        rendered.figures.append(output)
    return found


class Renderer(IPythonRenderer):
    """Markdown to HTML: formulas as MathML, headings that can be linked to, links that lead somewhere."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        super().__init__(escape=False, embed_images=True, exclude_anchor_links=True, path=str(folder))
        self.names = set(names)
        self.headings: list[tuple[int, str, str]] = []
        self.references: set[str] = set()

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        plain = html.unescape(re.sub(r"<[^>]+>", "", text)).strip()
        anchor = _anchor(plain, {taken for *_, taken in self.headings})
        self.headings.append((level, plain, anchor))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def text(self, text: str) -> str:
        """Text, with DOIs as links: references are written ``doi:10.1177/...``."""
        return _DOI.sub(r'<a href="https://doi.org/\1">\g<0></a>', super().text(text))

    def list_item(self, text: str) -> str:
        """An item, with an anchor if it is an entry of a reference list."""
        entry = read_reference(html.unescape(re.sub(r"<[^>]+>", "", text)))
        if not entry.year or entry.anchor in self.references:
            return super().list_item(text)
        self.references.add(entry.anchor)
        return f'<li id="{entry.anchor}">{text}</li>\n'

    def block_html(self, html: str) -> str:
        """HTML in a text, with its pictures; a fold that opens here may close after a table."""
        return super().block_html(html) if "<img" in html else f"{html.strip()}\n"

    def table(self, text: str) -> str:
        """A table in a frame that scrolls where the page is too narrow for it."""
        label = html.escape(words("build.table"))
        frame = f'<div class="scroll" role="group" tabindex="0" aria-label="{label}">'
        return f"{frame}<table>{text}</table></div>\n"

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """A cell; a header of nothing is none."""
        style = f' style="text-align: {align}"' if align else ""
        if head and text.strip():
            return f'<th scope="col"{style}>{text}</th>\n'
        return f"<td{style}>{text}</td>\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        """Code that scrolls can be reached by keyboard."""
        return super().block_code(code, info).replace("<pre", '<pre tabindex="0"', 1)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        text = re.sub(r"</?a\b[^>]*>", "", text)  # a link holds no other
        if re.match(r"(https?:|mailto:|#)", url):
            return super().link(text, url, title)
        path, _, anchor = url.partition("#")
        name = path.rpartition("/")[2].removesuffix(".ipynb")
        if path.endswith(".ipynb") and name in self.names:
            return super().link(text, f"{name}.html{'#' if anchor else ''}{anchor}", title)
        return f"<span>{text}</span>"  # what it leads to is not part of the book

    def image(self, text: str, url: str, title: str | None = None) -> str:
        rendered = super().image(text, url, title)
        return rendered if 'src="data:' in rendered else f"<em>[{text}]</em>"

    def inline_math(self, body: str) -> str:
        return mathml(body, "inline")

    def block_math(self, body: str) -> str:
        return mathml(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


def _code(source: str) -> Markup:
    text = highlight(source, PythonLexer(stripnl=True), HtmlFormatter(cssclass="source", nowrap=False))
    return Markup(text.replace("<pre>", '<pre tabindex="0">', 1))


def _output(output: Any, markdown: MarkdownWithMath) -> dict[str, Any]:
    """One output for the template: its kind and what that needs."""
    if output.output_type == "stream":
        return {"kind": "text", "error": output.name == "stderr", "html": Markup(ansi2html(output.text))}
    if output.output_type == "error":
        return {"kind": "text", "error": True, "html": Markup(ansi2html("\n".join(output.traceback)))}
    data = output.data
    widget = is_fallback(output)
    if MIME in data:
        return {"kind": "result", "name": data[MIME]["name"], **_result(data)}
    if (found := picture(output)) is not None:
        return {"kind": "picture", "picture": found, "widget": widget}
    if "text/html" in data:
        return {"kind": "html", "html": Markup(offline("".join(data["text/html"])))}
    if widget:
        return {"kind": "widget"}
    if "text/markdown" in data:
        return {"kind": "html", "html": Markup(offline(markdown.render("".join(data["text/markdown"]))))}
    if "text/latex" in data:
        return {"kind": "html", "html": Markup(mathml("".join(data["text/latex"]).strip("$ \n"), "block"))}
    return {"kind": "text", "error": False, "html": Markup(ansi2html("".join(data.get("text/plain", ""))))}


def _result(data: Any) -> dict[str, Any]:
    table = bs4.BeautifulSoup("".join(data["text/html"]), "html.parser").find("table")
    return {"table": Markup(offline(str(table)))}


def offline(text: str) -> str:
    """HTML from an output, without what would run or be fetched, its tables as screen readers need them."""
    soup = bs4.BeautifulSoup(text, "html.parser")
    for element in soup.find_all(["script", "link", "iframe", "object", "embed"]):
        element.decompose()
    for element in soup.find_all("style"):
        if element.has_attr("scoped") or "@import" in element.text or "url(" in element.text:
            element.decompose()
    for element in soup.find_all(src=True):
        if not str(element["src"]).startswith("data:"):
            element.replace_with(str(element.get("alt") or "") or words("build.not_offline"))
    for table in soup.find_all("table"):
        table.attrs.pop("border", None)
        for cell in table.find_all("th"):
            if not cell.get_text(strip=True):
                cell.name = "td"  # a header of nothing is none
                cell.attrs.pop("scope", None)
            elif "scope" not in cell.attrs:
                cell["scope"] = "col" if cell.find_parent("thead") else "row"
    for element in soup.find_all("pre"):
        element["tabindex"] = "0"
    return str(soup)


def _anchor(text: str, taken: set[str]) -> str:
    slug = re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "section"
    anchor, count = slug, 1
    while anchor in taken:
        count += 1
        anchor = f"{slug}-{count}"
    return anchor
