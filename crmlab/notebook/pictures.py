"""The pictures among a notebook's outputs, and their alt text."""

import base64
from dataclasses import dataclass
from typing import Any

KINDS = ("image/png", "image/jpeg", "image/svg+xml", "image/gif")


@dataclass(frozen=True)
class Picture:
    """An image output; `address` is a ``data:`` URI, `caption` says in a sentence what was found."""

    address: str
    alt: str
    caption: str = ""

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels, as a PNG says in its first bytes; None for other kinds."""
        kind, _, data = self.address.partition(";base64,")
        if kind != "data:image/png":
            return None
        head = base64.b64decode(data[:32])
        return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def picture(output: Any) -> Picture | None:
    """The `Picture` in an output, or None."""
    for kind in KINDS:
        data = output.get("data", {}).get(kind)
        if data is not None:
            return Picture(_address(kind, data), alt_text(output, kind), caption_of(output, kind))
    return None


def alt_text(output: Any, kind: str) -> str:
    """The alternative text that ``crmlab.plots.show`` put beside the picture, or nothing."""
    return _told(output, kind, "alt")


def caption_of(output: Any, kind: str) -> str:
    """The caption that ``crmlab.plots.show`` put beside the picture, or nothing."""
    return _told(output, kind, "caption")


def _told(output, kind, what):
    metadata = output.get("metadata", {})
    return str(metadata.get(kind, {}).get(what) or metadata.get(what) or "").strip()


def cover(notebook: Any) -> Picture | None:
    """The picture that represents a lesson: of the cell tagged ``cover``, else its first; or None."""
    tagged = [cell for cell in notebook.cells if "cover" in cell.metadata.get("tags", [])]
    for cell in [*tagged, *notebook.cells]:
        for output in cell.get("outputs", []):
            if (found := picture(output)) is not None:
                return found
    return None


def _address(kind, data):
    data = "".join(data)
    if kind == "image/svg+xml":
        data = base64.b64encode(data.encode()).decode()
    return f"data:{kind};base64,{''.join(data.split())}"
