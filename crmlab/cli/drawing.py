"""A picture that a command was asked to write."""

import sys
from collections.abc import Callable
from typing import Any

from crmlab.errors import InputError

KINDS = ("png", "svg", "pdf")


def write_picture(draw: Callable[[], Any], out: str) -> None:
    """Draw in the house style and write it, beside its place first; its path is printed to standard error."""
    import io
    from pathlib import Path

    import matplotlib.pyplot as plt

    from crmlab import files
    from crmlab.plots.style import style

    kind = Path(out).suffix.removeprefix(".")
    if kind not in KINDS:
        raise InputError(f"--out is {out!r}; give a file that ends in .png, .svg or .pdf")
    drawn = io.BytesIO()
    with style():
        figure = draw()
        figure.savefig(drawn, format=kind)
        plt.close(figure)
    print(files.write_bytes(out, drawn.getvalue()), file=sys.stderr)
