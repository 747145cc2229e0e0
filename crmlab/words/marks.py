"""The two marks that words may carry, ``*emphasis*`` and ```code```, as HTML and as plain text."""

import html
import re

_CODE = re.compile(r"`([^`\n]+)`")
_EMPHASIS = re.compile(r"(?<![\w*\\])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")


def as_html(text: str) -> str:
    """A text as HTML: escaped, its ```code``` and ``*emphasis*`` marked.

    Examples
    --------
    >>> as_html("of *all* customers, `a*b*c` < 1")
    'of <em>all</em> customers, <code>a*b*c</code> &lt; 1'
    """
    parts = _CODE.split(text)  # what stands between backticks has an odd number
    marked = [
        f"<code>{html.escape(part)}</code>" if at % 2 else _EMPHASIS.sub(r"<em>\1</em>", html.escape(part))
        for at, part in enumerate(parts)
    ]
    return "".join(marked)


def as_text(text: str) -> str:
    """A text for a terminal: emphasis without its asterisks, code with its backticks."""
    parts = _CODE.split(text)
    return "".join(f"`{part}`" if at % 2 else _EMPHASIS.sub(r"\1", part) for at, part in enumerate(parts))
