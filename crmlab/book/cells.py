"""Cells of an executed notebook as HTML."""

import copy
import html
import re

import bs4
from markupsafe import Markup
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from crmlab.notebook.formulas import mathml
from crmlab.notebook.pictures import picture
from crmlab.notebook.recording import MIME, flattened
from crmlab.notebook.widgets import is_fallback, without_widgets
from crmlab.words import words

_DOI = re.compile(r"doi:(10\.\d{4,9}/[^\s<>]*[^\s<>.,;)])")


def rendered_cells(notebook, folder, names):
    """Cells for the template, and the headings ``(level, text, anchor)`` among them.

    Parameters
    ----------
    notebook : NotebookNode
    folder : Path
        Where the lesson lies, for pictures that its text shows.
    names : list of str
        Lessons that have a page, for the links between them.
    """
    renderer = Renderer(folder, names)
    markdown = MarkdownWithMath(renderer=renderer)
    cells = []
    for cell in without_widgets(copy.deepcopy(notebook)).cells:
        if cell.cell_type == "markdown" and cell.source.strip():
            renderer.attachments = cell.get("attachments", {})
            cells.append({"kind": "text", "id": cell.id, "html": Markup(markdown.render(cell.source))})
        elif cell.cell_type == "code" and (cell.source.strip() or cell.outputs):
            hidden = "remove-input" in cell.metadata.get("tags", []) or cell.metadata.get("jupyter", {}).get(
                "source_hidden", False
            )
            cells.append(
                {
                    "kind": "code",
                    "id": cell.id,
                    "hidden": hidden,
                    "html": _code(cell.source),
                    "outputs": [_output(output, markdown) for output in cell.outputs],
                }
            )
    return cells, renderer.headings


class Renderer(IPythonRenderer):
    """Markdown to HTML: formulas as MathML, headings that can be linked to, links that lead somewhere."""

    def __init__(self, folder, names):
        super().__init__(escape=False, embed_images=True, exclude_anchor_links=True, path=str(folder))
        self.names = names
        self.headings = []

    def heading(self, text, level, **attrs):
        plain = html.unescape(re.sub(r"<[^>]+>", "", text)).strip()
        anchor = _anchor(plain, {taken for *_, taken in self.headings})
        self.headings.append((level, plain, anchor))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def text(self, text):
        """Text, with DOIs as links: references are written ``doi:10.1177/...``."""
        return _DOI.sub(r'<a href="https://doi.org/\1">\g<0></a>', super().text(text))

    def link(self, text, url, title=None):
        text = re.sub(r"</?a\b[^>]*>", "", text)  # a link holds no other
        if re.match(r"(https?:|mailto:|#)", url):
            return super().link(text, url, title)
        path, _, anchor = url.partition("#")
        name = path.rpartition("/")[2].removesuffix(".ipynb")
        if path.endswith(".ipynb") and name in self.names:
            return super().link(text, f"{name}.html{'#' if anchor else ''}{anchor}", title)
        return f"<span>{text}</span>"  # what it leads to is not part of the book

    def image(self, text, url, title=None):
        rendered = super().image(text, url, title)
        return rendered if 'src="data:' in rendered else f"<em>[{text}]</em>"

    def inline_math(self, body):
        return mathml(body, "inline")

    def block_math(self, body):
        return mathml(body, "block")

    def latex_environment(self, name, body):
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


def _code(source):
    return Markup(
        highlight(source, PythonLexer(stripnl=True), HtmlFormatter(cssclass="source", nowrap=False))
    )


def _output(output, markdown):
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
    if widget:
        return {"kind": "widget"}
    if "text/html" in data:
        return {"kind": "html", "html": Markup(offline("".join(data["text/html"])))}
    if "text/markdown" in data:
        return {"kind": "html", "html": Markup(offline(markdown.render("".join(data["text/markdown"]))))}
    if "text/latex" in data:
        return {"kind": "html", "html": Markup(mathml("".join(data["text/latex"]).strip("$ \n"), "block"))}
    return {"kind": "text", "error": False, "html": Markup(ansi2html("".join(data.get("text/plain", ""))))}


def _result(data):
    value = data[MIME]["value"]
    if "text/html" in data:
        table = bs4.BeautifulSoup("".join(data["text/html"]), "html.parser").find("table")
        return {"table": Markup(offline(str(table)))}
    if isinstance(value, dict):
        rows = "".join(
            f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(str(each))}</td></tr>'
            for name, each in flattened(value)
        )
        return {"table": Markup(f"<table>{rows}</table>")}
    return {"value": value if isinstance(value, (bool, int, float, str)) else str(value)}


def offline(text):
    """HTML from an output, without what would run or be fetched."""
    soup = bs4.BeautifulSoup(text, "html.parser")
    for element in soup.find_all(["script", "link", "iframe", "object", "embed"]):
        element.decompose()
    for element in soup.find_all("style"):
        if element.has_attr("scoped") or "@import" in element.text or "url(" in element.text:
            element.decompose()
    for element in soup.find_all(src=True):
        if not element["src"].startswith("data:"):
            element.replace_with(element.get("alt") or words("build.not_offline"))
    for table in soup.find_all("table"):
        table.attrs.pop("border", None)
    return str(soup)


def _anchor(text, taken):
    slug = re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "section"
    anchor, count = slug, 1
    while anchor in taken:
        count += 1
        anchor = f"{slug}-{count}"
    return anchor
