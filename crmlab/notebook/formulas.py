"""Formulas as MathML, which browsers show without a network and screen readers read."""

import html
import re

import latex2mathml.converter

_PLAIN = re.compile(
    r"\\(?:begin|end)\{(?:equation|displaymath|math)\*?\}|\\label\{[^}]*\}|\\nonumber|\\notag"
)
_LINES = re.compile(r"\\(begin|end)\{(?:aligned|align|gathered|gather|eqnarray)\*?\}")
# What the library writes and browsers read otherwise: an operator, and spaces by name.
_REPAIRS = (
    ("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>"),
    ('width="negativethinmathspace"', 'width="-0.167em"'),
    ("<mi>&</mi>", ""),
)


def mathml(formula: str, display: str = "inline") -> str:
    """A LaTeX formula as an HTML fragment with MathML, ``display`` being ``"inline"`` or ``"block"``.

    A formula that cannot be converted is shown as its source.
    """
    formula = formula.strip()
    try:
        element = _converted(formula, display)
    except ValueError:
        return f'<code class="formula">{html.escape(formula)}</code>'
    return f'<div class="formula" tabindex="0">{element}</div>' if display == "block" else element


def check_formula(formula: str) -> None:
    """Raise ValueError, naming the reason, if a formula cannot be shown."""
    _converted(formula, "inline")


def _converted(formula, display):
    source = _LINES.sub(r"\\\1{split}", _PLAIN.sub("", formula)).strip()
    try:
        element = latex2mathml.converter.convert(source, display=display)
    except Exception as error:  # the library raises whatever its parser stumbles over
        raise ValueError(f"{type(error).__name__} {error}".strip()) from None
    unknown = re.search(r"<m[io]>(\\\w*)", element)
    if unknown:
        raise ValueError(f"{unknown[1]} is not known")
    for written, read in _REPAIRS:
        element = element.replace(written, read)
    return element.replace("<math ", f'<math alttext="{html.escape(formula)}" ', 1)
