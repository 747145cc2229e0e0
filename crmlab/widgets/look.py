"""What predictions, quizzes and explorables look like, in JupyterLab's themes and on a page of the book."""

import html

# JupyterLab's and VS Code's theme colours, then a light page's. Marks keep a contrast of 3:1 on white and on
# black; what they say is said in words, too.
STYLE = """<style>
.crmlab-ask { --ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, inherit));
  --edge: var(--jp-border-color1, var(--vscode-panel-border, #8a8a8a)); --mark: #4a7fb5;
  max-width: 46rem; margin: .4rem 0; padding: .6rem 1rem; box-sizing: border-box; color: var(--ink);
  border: 1px solid var(--edge); border-left: .4rem solid var(--mark); border-radius: .35rem;
  font: 400 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
.crmlab-ask p { margin: .3rem 0; }
.crmlab-ask fieldset { border: 0; margin: .6rem 0 0; padding: 0; min-width: 0; }
.crmlab-ask legend { padding: 0; font-weight: 600; }
.crmlab-ask label { display: inline; }
.crmlab-ask input[type="number"] { width: 7em; font: inherit; }
.crmlab-ask .crmlab-option { margin: .25rem 0; }
.crmlab-ask .crmlab-option input:not(:checked) ~ .crmlab-said { display: none; }
.crmlab-ask .crmlab-said { margin: .15rem 0 .3rem 1.6rem; }
.crmlab-ask summary { cursor: pointer; font-weight: 600; }
.crmlab-ask svg { display: block; width: 100%; max-width: 40rem; height: auto; margin: .3rem 0; }
.crmlab-ask svg text { fill: currentColor; font: 14px system-ui, "Segoe UI", Roboto, sans-serif; }
.crmlab-unset .noUi-handle { background: transparent; border: 2px dashed #4a7fb5; box-shadow: none; }
.crmlab-unset .widget-readout { visibility: hidden; }
@media print { .crmlab-ask { break-inside: avoid; } }
</style>"""

_WIDTH, _LEFT, _RIGHT, _LINE = 640, 20, 620, 46


def boxed(inside: str, **data: object) -> str:
    """HTML in the frame that all questions share; `data` become ``data-`` attributes, for scripts."""
    attributes = "".join(
        f' data-{name.replace("_", "-")}="{html.escape(str(value))}"' for name, value in data.items()
    )
    return f'{STYLE}<div class="crmlab-ask"{attributes}>{inside}</div>'


def number_line(
    low: float, high: float, truth: float, guess: float | None, labels: dict[str, str], told: str
) -> str:
    """One line from `low` to `high` with the truth, filled, and the guess, open, as an SVG picture.

    Parameters
    ----------
    labels : dict of str to str
        Of ``low``, ``high``, ``truth`` and ``guess``.
    told : str
        The same in words, for those who cannot see it.
    """
    left, right = min(low, truth), max(high, truth)

    def place(value: float) -> float:
        return _LEFT + (value - left) / (right - left) * (_RIGHT - _LEFT)

    line = f'y1="{_LINE}" y2="{_LINE}" stroke="currentColor"'
    parts = [
        f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" {line}/>',
        _label(place(low), _LINE + 22, labels["low"], "start"),
        _label(place(high), _LINE + 22, labels["high"], "end"),
    ]
    parts += [
        f'<line x1="{place(end):.1f}" x2="{place(end):.1f}" y1="{_LINE - 5}" y2="{_LINE + 5}" '
        'stroke="currentColor"/>'
        for end in (low, high)
    ]
    if guess is not None:
        x0, x1 = sorted((place(guess), place(truth)))
        parts.append(
            f'<line x1="{x0:.1f}" x2="{x1:.1f}" y1="{_LINE}" y2="{_LINE}" stroke="#4a7fb5" stroke-width="5"/>'
            f'<circle cx="{place(guess):.1f}" cy="{_LINE}" r="7" fill="none" stroke="currentColor" '
            'stroke-width="2.5"/>'
        )
        parts.append(_label(place(guess), _LINE + 40, labels["guess"]))
    x = place(truth)
    parts.append(f'<path d="M{x:.1f} {_LINE - 9}l9 9l-9 9l-9 -9z" fill="currentColor"/>')
    parts.append(_label(x, _LINE - 18, labels["truth"], weight="bold"))
    return (
        f'<svg viewBox="0 0 {_WIDTH} 96" role="img" aria-label="{html.escape(told)}">{"".join(parts)}</svg>'
    )


def with_unit(number: str, unit: str) -> str:
    """A number with its unit as they are written: ``5%``, ``40 of 100 analysts``."""
    return f"{number}{'' if unit in ('', '%') else ' '}{unit}"


def _label(x: float, y: float, text: str, anchor: str = "", weight: str = "normal") -> str:
    """A text at a place, begun or ended there near the edges so that it is not cut off."""
    anchor = anchor or ("start" if x < 0.25 * _WIDTH else "end" if x > 0.75 * _WIDTH else "middle")
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{html.escape(text)}</text>'
    )
