"""Reading a notebook that anyone may have written, or broken on purpose.

Nothing is run, unpacked or followed, and nothing raises: what cannot be read is told as such.
"""

import errno
import hashlib
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from crmlab.words.saying import Said, said

CELLS = 3000
SOURCE = 1_000_000  # characters of all code cells together
MIME = "application/vnd.crmlab.answer+json"


@dataclass
class Cell:
    """One cell as handed in: what little of it is believed to be there."""

    kind: str
    source: str
    id: str
    grading: dict
    tags: list
    cards: list = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name by which the master knows it: the grade id; the cell's id where the former is lost."""
        told = self.grading.get("grade_id")
        return told if isinstance(told, str) and told else self.id


@dataclass
class Handed:
    """A submission's notebook.

    Attributes
    ----------
    cells : list of Cell or None
        None if it cannot be graded; then `reason` says why.
    digest : str
        SHA-256 of the file.
    verdict : str
    reason : Said or None
    flags : list of (kind, evidence)
    python : str
        Version of the Python that saved it, as it says.
    """

    cells: list | None = None
    digest: str = ""
    verdict: str = ""
    reason: Said | None = None
    flags: list = field(default_factory=list)
    python: str = ""


class _Unreadable(Exception):
    pass


def read(path: Path | None, most: int) -> Handed:
    """The notebook at `path`, of no more than `most` bytes. Never raises."""
    handed = Handed()
    if path is None:
        handed.verdict, handed.reason = "missing", said("grading.nothing")
        return handed
    try:
        data = _bytes(path, most)
        handed.digest = hashlib.sha256(data).hexdigest()
        if not data.strip():
            handed.verdict, handed.reason = "missing", said("grading.empty")
            return handed
        notebook = _object(data, handed)
        handed.cells, handed.python = _cells(notebook, handed), _python(notebook)
    except FileNotFoundError:
        handed.verdict, handed.reason = "missing", said("grading.nothing")
    except _Unreadable as error:
        handed.verdict, handed.reason = (
            "unreadable",
            said("grading.unreadable", what=said(f"grading.{error}")),
        )
        handed.flags.append(("unreadable", said(f"grading.{error}")))
    except OSError as error:
        handed.verdict = "unreadable"
        handed.reason = said("grading.unreadable", what=error.strerror or "?")
        handed.flags.append(("unreadable", error.strerror or "?"))
    return handed


def unusable(problem: str) -> Handed:
    """What there is to say of a hand-in that is no notebook."""
    shown = "".join(each if each.isprintable() else "\ufffd" for each in problem)[:200]
    handed = Handed(verdict="unreadable", reason=said("grading.unusable", what=shown))
    handed.flags.append(("unreadable", shown))
    return handed


def _bytes(path, most):
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise _Unreadable("is_link") from None
        if error.errno in (errno.ENXIO, errno.EISDIR):
            raise _Unreadable("no_file") from None
        raise
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise _Unreadable("no_file")
        if about.st_size > most:
            raise _Unreadable("too_big")
        data = file.read(most + 1)
    if len(data) > most:
        raise _Unreadable("too_big")
    return data


def _object(data, handed):
    if data[:2] in (b"PK", b"\x1f\x8b", b"BZ") or data[:6] in (b"\xfd7zXZ\x00", b"7z\xbc\xaf'\x1c"):
        raise _Unreadable("is_archive")
    try:
        found = json.loads(_text(data, handed))
    except (ValueError, RecursionError, MemoryError):
        raise _Unreadable("no_json") from None
    if not isinstance(found, dict):
        raise _Unreadable("no_notebook")
    return found


def _text(data, handed):
    """The file's text. Notebooks are UTF-8; what an editor made of one can often be read all the same."""
    for encoding in (
        "utf-8-sig",
        "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8",
        "cp1252",
        "latin-1",
    ):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not encoding.startswith("utf-8"):
            handed.flags.append(("encoding", encoding))
        return text
    raise _Unreadable("no_json")


def _cells(notebook, handed):
    version = notebook.get("nbformat")
    if version == 4:
        cells = notebook.get("cells")
    elif version in (2, 3):
        sheets = notebook.get("worksheets")
        cells = [
            cell
            for sheet in (sheets if isinstance(sheets, list) else [])
            if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
        handed.flags.append(("old format", f"nbformat {version}"))
    else:
        raise _Unreadable("no_notebook")
    if not isinstance(cells, list) or len(cells) > CELLS:
        raise _Unreadable("no_notebook" if not isinstance(cells, list) else "too_many")
    found = [_cell(each) for each in cells if isinstance(each, dict)]
    if sum(len(each.source) for each in found if each.kind == "code") > SOURCE:
        raise _Unreadable("too_many")
    return found


def _python(notebook):
    """Version of the Python that saved a notebook, by its metadata."""
    about = notebook.get("metadata")
    about = about.get("language_info") if isinstance(about, dict) else None
    version = about.get("version") if isinstance(about, dict) else None
    return version[:20] if isinstance(version, str) and version[:20].replace(".", "").isalnum() else ""


def _cell(told):
    metadata = told.get("metadata") if isinstance(told.get("metadata"), dict) else {}
    grading, tags = metadata.get("nbgrader"), metadata.get("tags")
    source = told.get("source", told.get("input", ""))
    if isinstance(source, list):
        source = "".join(each for each in source if isinstance(each, str))
    return Cell(
        kind=str(told.get("cell_type"))[:20],
        source=source.replace("\r\n", "\n").replace("\r", "\n") if isinstance(source, str) else "",
        id=told["id"] if isinstance(told.get("id"), str) else "",
        grading=grading if isinstance(grading, dict) else {},
        tags=[each for each in tags if isinstance(each, str)] if isinstance(tags, list) else [],
        cards=list(_cards(told.get("outputs"))),
    )


def _cards(outputs):
    """What the saved cards say: ``(question, verdict)``. Evidence only."""
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") if isinstance(output, dict) else None
        card = data.get(MIME) if isinstance(data, dict) else None
        if (
            isinstance(card, dict)
            and isinstance(card.get("question"), str)
            and isinstance(card.get("verdict"), str)
        ):
            yield card["question"][:60], card["verdict"][:20]
