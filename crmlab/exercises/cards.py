"""The card that an answer gets: in a notebook as HTML, in a terminal as text, for machines as JSON.

Said by words and a mark, never by colour alone; its colours are the theme's own where the page has a theme.
"""

import base64
import html
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crmlab.words import words
from crmlab.words.marks import as_html, as_text

MIME = "application/vnd.crmlab.answer+json"
MARKS = {"right": "✓", "todo": "○", "unchecked": "?", "hint": "i"}  # anything else: ✗
LOOKS = {"right": "right", "todo": "todo", "unchecked": "todo", "hint": "todo"}

# JupyterLab's and VS Code's theme colours, then a light page's. The state colours are Okabe and Ito's,
# and keep a contrast of 3:1 on white and on black; they mark edges and discs, never text.
STYLE = """<style>
.crmlab-card { --mark: #b54a00;
  --ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, #1f1f1f));
  --edge: var(--jp-border-color1, var(--vscode-panel-border, #b5b5b5));
  max-width: 46rem; margin: .4rem 0; padding: .7rem 1rem .75rem; box-sizing: border-box;
  border: 1px solid var(--edge); border-left: .4rem solid var(--mark); border-radius: .35rem;
  color: var(--ink); background: var(--jp-layout-color1, var(--vscode-editor-background, #fff));
  font: 400 .95rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
.crmlab-card.crmlab-right { --mark: #008a63; }
.crmlab-card.crmlab-todo { --mark: #4a7fb5; }
.crmlab-card * { color: inherit; }
.crmlab-card .crmlab-head { display: flex; align-items: center; gap: .6rem; margin: 0; font-weight: 600; }
.crmlab-card .crmlab-mark { flex: none; width: 1.5rem; height: 1.5rem; border-radius: 50%;
  background: var(--mark); color: #fff; text-align: center;
  line-height: 1.5rem; font-size: .95rem; font-weight: 700; }
.crmlab-card .crmlab-points { margin-left: auto; font-weight: 400; font-variant-numeric: tabular-nums; }
.crmlab-card p { margin: .45rem 0 0; }
.crmlab-card ol { margin: .6rem 0 0 !important; padding: 0 !important; list-style: none; }
.crmlab-card li { margin: .35rem 0 0; padding: .1rem 0 .1rem .8rem; border-left: 2px solid var(--edge); }
.crmlab-card .crmlab-label { display: block; font-size: .82rem; opacity: .85; }
.crmlab-card code { font-size: .9em; padding: 0 .2em; border-radius: .2em; background: none;
  border: 1px solid var(--edge); }
.crmlab-card figure { margin: .7rem 0 0; }
.crmlab-card img { display: block; width: 30rem; max-width: 100%; height: auto; background: #fff;
  border-radius: .25rem; }
.crmlab-card figcaption { font-size: .82rem; opacity: .85; margin-bottom: .25rem; }
</style>"""


@dataclass(frozen=True)
class Picture:
    """A drawn hint: a PNG and what it shows in words."""

    png: bytes
    alt: str


@dataclass(frozen=True)
class Card:
    """What is said about one answer.

    Attributes
    ----------
    question : str
    reason : str
        The verdict's, or ``hint`` for a card that only gives a hint.
    says : tuple of str
        Sentences.
    hints : tuple of str
        Those given so far.
    total_hints : int
        How many there are, the picture counted.
    picture : Picture or None
    foot : str
        What can be done next.
    points : float or None
        What the question is worth.
    data : dict
        For machines, under `MIME`; empty for none.
    got : float
        Of these points, what the answer earns.
    """

    question: str
    reason: str
    says: tuple = ()
    hints: tuple = ()
    total_hints: int = 0
    picture: Picture | None = None
    foot: str = ""
    points: float | None = None
    data: dict = field(default_factory=dict)
    got: float = 0

    @property
    def title(self) -> str:
        known = {"right": "right", "todo": "todo", "unchecked": "unchecked", "hint": "hint_title"}
        said = words(f"cards.{known.get(self.reason, 'not_yet')}")
        return f"{self.question}: {said}" if self.question else said

    @property
    def score(self) -> str:
        if self.points is None or self.reason in ("hint", "unchecked"):
            return ""
        return words("cards.points", got=self.got, points=self.points)

    def _hint_label(self, number):
        return words("cards.hint", number=number, total=self.total_hints)

    def text(self) -> str:
        lines = [f"{MARKS.get(self.reason, '✗')} {self.title}" + (f" ({self.score})" if self.score else "")]
        lines += [f"  {as_text(each)}" for each in self.says]
        lines += [
            f"  {self._hint_label(number)}: {as_text(each)}" for number, each in enumerate(self.hints, 1)
        ]
        if self.picture:
            lines.append(
                f"  {self._hint_label(self.total_hints)}: {words('cards.picture')}: {self.picture.alt}"
            )
        lines += [f"  {self.foot}"] if self.foot else []
        return "\n".join(lines)

    def html(self) -> str:
        look, mark = LOOKS.get(self.reason, "wrong"), MARKS.get(self.reason, "✗")
        score = f' <span class="crmlab-points">({html.escape(self.score)})</span>' if self.score else ""
        parts = [
            f'<div class="crmlab-card crmlab-{look}" role="status" aria-label="{html.escape(self.title)}">',
            (
                f'<p class="crmlab-head"><span class="crmlab-mark" aria-hidden="true">{mark}</span> '
                f"<strong>{html.escape(self.title)}</strong>{score}</p>"
            ),
        ]
        parts += [f"<p>{as_html(each)}</p>" for each in self.says]
        if self.hints:
            items = "".join(
                f'<li><span class="crmlab-label">{self._hint_label(number)}:</span> {as_html(each)}</li>'
                for number, each in enumerate(self.hints, 1)
            )
            parts.append(f"<ol>{items}</ol>")
        if self.picture:
            source = base64.b64encode(self.picture.png).decode()
            caption = f"{self._hint_label(self.total_hints)}: {words('cards.picture')}"
            parts.append(
                f"<figure><figcaption>{caption}</figcaption>"
                f'<img src="data:image/png;base64,{source}" alt="{html.escape(self.picture.alt)}">'
                "</figure>"
            )
        if self.foot:
            parts.append(f'<p class="crmlab-label">{as_html(self.foot)}</p>')
        return STYLE + "\n".join(parts) + "\n</div>"

    def bundle(self) -> dict[str, Any]:
        """The card in all its forms, by MIME type."""
        bundle = {"text/plain": self.text(), "text/html": self.html()}
        return bundle | ({MIME: self.data} if self.data else {})

    def show(self) -> None:
        """Display it: in a notebook as a card, elsewhere as text."""
        import sys

        ipython = sys.modules.get("IPython")
        if ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None:
            ipython.display.display(self.bundle(), raw=True)
        else:
            print(self.text())


def drawn(draw: Callable[[], Any]) -> Picture:
    """The `Picture` that a master's function draws; it returns a matplotlib figure or axes."""
    import inspect

    from crmlab.plots.style import style

    buffer = io.BytesIO()
    with style():
        figure = draw()
        figure = getattr(figure, "figure", figure)  # axes know theirs
        figure.savefig(buffer, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    return Picture(buffer.getvalue(), " ".join(inspect.getdoc(draw).split()))
