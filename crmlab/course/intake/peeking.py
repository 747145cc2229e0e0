"""What the bytes of a file say: is it a notebook, of which exercise and version? Nothing is run."""

import json
import re
from dataclasses import dataclass
from functools import cached_property

from crmlab.exercises.masters import Master, role

UNREADABLE = (ValueError, RecursionError, MemoryError, TypeError, AttributeError)
OPENS = re.compile(r"open_exercise\(\s*[\"']([^\"'\n]{1,80})[\"']")
SEED = re.compile(r"^seed\s*=\s*([0-9]{1,18})\b", re.MULTILINE)
ONLY_SEED = re.compile(r"\s*seed\s*=\s*([0-9]{1,18})\s*(#[^\n]*)?\s*")
KINDS = (  # by the first bytes
    (b"%PDF", "a PDF"), (b"Rar!", "an archive (RAR)"), (b"7z\xbc\xaf", "an archive (7z)"),
    (b"\x1f\x8b", "an archive (gzip)"), (b"PK\3\4", "an archive or an Office document"),
    (b"\xd0\xcf\x11\xe0", "an Office document"), (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"),
)  # fmt: skip


@dataclass(frozen=True)
class Peek:
    """What a file's contents say. Anyone may write anything there.

    Attributes
    ----------
    is_notebook : bool
        Whether it is JSON that holds cells.
    exercise : str
        The one that the notebook says it is of, by its metadata or by the exercise that it opens.
    seed : int or None
    is_copy : bool
        Whether it is a copy of the exercise that is collected.
    """

    is_notebook: bool = False
    exercise: str = ""
    seed: int | None = None
    is_copy: bool = False


@dataclass(frozen=True)
class Peeking:
    """Looks into files, in search of copies of one exercise.

    Parameters
    ----------
    exercise : Master
    """

    exercise: Master

    @cached_property
    def _own(self):
        """Ids that a copy's blanks and checks have."""
        return {
            cell.id for cell in self.exercise.notebook.cells if role(cell) in ("solution", "check", "given")
        }

    @cached_property
    def _sources(self):
        cells = [cell for cell in self.exercise.notebook.cells if role(cell) == "given"]
        return {cell.source.strip() for cell in cells}

    def peek(self, data: bytes) -> Peek:
        """What `data` says."""
        try:
            notebook = json.loads(_text(data))
            cells = [each for each in notebook["cells"] if isinstance(each, dict)]
        except (*UNREADABLE, KeyError):
            return Peek()
        claimed = _claimed(notebook)
        try:
            sources = [_source(each) for each in cells if each.get("cell_type") == "code"]
            opened = {name for source in sources for name in OPENS.findall(source)}
            is_copy = self._is_copy(claimed, opened, cells, sources)
            name = self.exercise.name if is_copy else (claimed or min(opened, default=""))
            return Peek(True, name[:80], _seed(cells), is_copy)
        except UNREADABLE:
            return Peek(True, claimed)

    def _is_copy(self, claimed, opened, cells, sources):
        name = self.exercise.name
        if claimed == name or (not claimed and name in opened):
            return True
        if claimed or opened:
            return False
        found = {_name(each) for each in cells} & self._own
        given = {each.strip() for each in sources} & self._sources
        return 2 * len(found) > len(self._own) or (bool(given) and 2 * len(given) >= len(self._sources))


def _text(data):
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _claimed(notebook):
    about = (notebook.get("metadata") or {}) if isinstance(notebook.get("metadata"), dict) else {}
    about = about.get("crmlab") if isinstance(about.get("crmlab"), dict) else {}
    name = about.get("exercise", "")
    return name if isinstance(name, str) else ""


def _name(cell):
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    grading = metadata.get("nbgrader") if isinstance(metadata.get("nbgrader"), dict) else {}
    name = grading.get("grade_id") or cell.get("id")
    return name if isinstance(name, str) else ""


def _source(cell):
    source = cell.get("source", "")
    return (
        "".join(each for each in source if isinstance(each, str)) if isinstance(source, list) else str(source)
    )


def _seed(cells):
    """The seed of the parameters cell: by its tag or id, else of a cell that does nothing but set it."""
    for pattern, told in ((SEED, True), (ONLY_SEED, False)):
        for cell in cells:
            tags = (cell.get("metadata") or {}).get("tags", [])
            named = "parameters" in tags or cell.get("id") == "parameters"
            match = (pattern.search if told else pattern.fullmatch)(_source(cell)[:2000])
            if match and (named or not told):
                return int(match[1])
    return None


def kind_of(name: str, data: bytes) -> str:
    """What a file is that is no notebook, in words."""
    for begin, words in KINDS:
        if data.startswith(begin):
            return words
    if re.match(rb"\s*(<!doctype html|<html)", data[:200], re.IGNORECASE):
        return "a web page (HTML)"
    ending = name.rpartition(".")[2].lower()
    known = {
        "py": "a Python script",
        "html": "a web page (HTML)",
        "md": "a text",
        "docx": "an Office document",
    }
    return known.get(ending, f"a .{ending[:12]} file" if "." in name else "a file")
