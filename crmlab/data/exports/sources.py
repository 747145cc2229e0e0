"""The files of an export as sheets of texts: from a file, a folder or a ZIP, whatever their encoding.

Nothing is unpacked to disk, names of members are labels only, and a member that would unpack to more than
its share is left unread. A file that cannot be read becomes a `Problem`; the others are read all the same.
"""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from crmlab.data.exports.hiding import printable
from crmlab.data.logs import spreadsheets
from crmlab.data.logs.files import MARKS, headed, where_not_utf8
from crmlab.data.logs.reading import Reading
from crmlab.data.logs.sql import BLANKS
from crmlab.errors import InputError, option

TEXTS = (".csv", ".tsv", ".txt")
SHEETS = (".xlsx", ".xlsm")
LINES = (".jsonl", ".ndjson", ".json")
TABLES = (*TEXTS, *SHEETS, *LINES)
LARGEST = 2 << 30  # bytes that one file may have, unpacked
MEMBERS = 10_000  # files in one archive
HEAD = 1 << 16  # characters among which the delimiter is looked for
COMMON = 0.9  # share of letters that are common Chinese ones, in a text that is Chinese
RATIO = 500  # a member that unpacks to more than so many times its size is a bomb, not a table


@dataclass(frozen=True)
class Sheet:
    """One table of an export, as texts.

    Attributes
    ----------
    file : str
        What the user calls it: ``export.zip/Deals.csv``, ``export.xlsx [订单]``.
    name : str
        Its name without folder and end, or the name of the sheet.
    rows : list of (int, list of str)
        Number and cells of each row that holds anything, counted as a spreadsheet counts: the first is 1.
    blank : int
        Rows that hold nothing.
    encoding : str
        How a text was decoded, where that is worth a word.
    """

    file: str
    name: str
    rows: list[tuple[int, list[str]]]
    blank: int = 0
    encoding: str = ""


@dataclass(frozen=True)
class Problem:
    """Why a file or a table could not be read.

    Attributes
    ----------
    file, why : str
        The file, and a sentence that names column, rows and remedy.
    """

    file: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}: {self.why}"


def sheets(source: str | Path, encoding: str | None = None) -> tuple[list[Sheet], list[Problem]]:
    """All sheets of an export, and what could not be read.

    Parameters
    ----------
    source : str or path
        A CSV or XLSX file, a ZIP of them, or a folder.
    encoding : str, optional
        Of text files that say nothing of it; UTF-8 and GBK are found out.

    Raises
    ------
    InputError
        If nothing is there, or nothing that could be a table.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(f"export {str(source)!r} is not there")
    found: list[Sheet] = []
    problems: list[Problem] = []
    for name, data in _parts(path, problems):
        try:
            found += _read(name, data, encoding)
        except InputError as error:
            problems.append(Problem(name, str(error)))
    if not found and not problems:
        raise InputError(
            f"export {str(source)!r} holds no {', '.join(TABLES)} file; give a file, a folder or "
            f"a ZIP of them"
        )
    return found, problems


def _parts(path: Path, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files that could be tables."""
    inside = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for each in inside:
        name = str(each.relative_to(path)) if path.is_dir() else each.name
        if _hidden(name):
            continue
        end = each.suffix.lower()
        if end == ".zip":
            yield from _members(each, name, problems)
        elif end == ".xls":
            problems.append(Problem(name, "is an old spreadsheet (.xls); save it as .xlsx"))
        elif end not in TABLES:
            if not path.is_dir():
                problems.append(Problem(name, f"is no {', '.join(TABLES)} or .zip file"))
        elif each.stat().st_size > LARGEST:
            problems.append(
                Problem(name, f"has more than {LARGEST >> 30} GB; export fewer records at a time")
            )
        else:
            yield name, each.read_bytes()


def _members(path: Path, label: str, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        problems.append(Problem(label, f"is no archive that can be read ({error}); download it again"))
        return
    with archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        if len(members) > MEMBERS:
            problems.append(Problem(label, f"holds more than {MEMBERS:,} files; unpack it first"))
            return
        left = LARGEST
        for member in members:
            name = f"{label}/{printable(member.filename)}"
            if _hidden(member.filename):
                continue
            why = _unfit(member, left)
            data = b"" if why else _unpacked(archive, member)
            if why or data is None:
                problems.append(Problem(name, why or "is damaged, or longer than it says; pack it again"))
            elif PurePosixPath(member.filename).suffix.lower() in TABLES:
                left -= len(data)
                yield name, data


def _unfit(member: zipfile.ZipInfo, left: int) -> str | None:
    """Why a member is left unread."""
    end = PurePosixPath(member.filename).suffix.lower()
    if end == ".zip":
        return "is an archive within the archive; unpack it and import it by itself"
    if end == ".xls":
        return "is an old spreadsheet (.xls); save it as .xlsx"
    if end not in TABLES:
        return None
    if member.flag_bits & 1:
        return "is locked by a password; unpack the archive first"
    if member.file_size > left:
        return (
            f"would unpack to more than {LARGEST >> 30} GB with the others; unpack it and import it by itself"
        )
    if member.file_size > 1 << 20 and member.file_size > RATIO * max(member.compress_size, 1):
        return f"unpacks to more than {RATIO} times its size, as no table does; it is left unread"
    return None


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    """What a member holds, as far as it says it goes; None where it is damaged or goes further."""
    if PurePosixPath(member.filename).suffix.lower() not in TABLES:
        return b""
    try:
        with archive.open(member) as opened:
            data = opened.read(member.file_size + 1)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError):
        return None
    return data if len(data) == member.file_size else None


def _hidden(name: str) -> bool:
    """Whether a file is one of the system's own: macOS's doubles, Excel's locks."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and ("__MACOSX" in parts or parts[-1].startswith((".", "~$")))


# -- contents ------------------------------------------------------------------------------------------------


def _read(file: str, data: bytes, encoding: str | None) -> list[Sheet]:
    name = PurePosixPath(file.replace("\\", "/"))
    if name.suffix.lower() in SHEETS:
        return _spreadsheet(file, data)
    text, decoded = _decoded(data, encoding)
    if "\0" in text:
        raise InputError("holds characters of code 0, which no text has; export it again")
    read = _records if name.suffix.lower() in LINES else _text
    rows = read(text)
    return [_sheet(file, name.stem, rows, decoded)]


def _records(text: str) -> list[tuple[int, list[str]]]:
    """JSON, a record a line or a list of records: a row of the fields' names, and one a record."""
    found: list[tuple[int, dict[str, Any]]] = []
    try:
        if text.lstrip().startswith("["):
            found = list(enumerate(json.loads(text), 1))
        else:
            for number, line in enumerate(text.splitlines(), 1):
                found += [(number, json.loads(line))] if line.strip() else []
    except ValueError as error:
        raise InputError(f"row {len(found) + 1} is no JSON ({error}); mend it, or export again") from None
    odd = [number for number, each in found if not isinstance(each, dict)]
    if odd:
        raise InputError(f"row {odd[0]} is no record of fields and values; write one {{…}} a line")
    names = list(dict.fromkeys(str(name) for _, each in found for name in each))
    return [(0, names)] + [(number, [_cell(each.get(name)) for name in names]) for number, each in found]


def _cell(value: Any) -> str:
    """A value of JSON as a text; null as nothing."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _spreadsheet(file: str, data: bytes) -> list[Sheet]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            whole = sum(each.file_size for each in archive.infolist())
            if whole > LARGEST or whole > RATIO * max(len(data), 1 << 20):
                raise InputError("unpacks to far more than a table holds; it is left unread")
            computed = any(_has_formulas(archive, each) for each in archive.namelist())
    except zipfile.BadZipFile:
        raise InputError("is no spreadsheet that can be read; save it anew as .xlsx") from None
    if computed:
        _refuse_unstored(file, data)
    found = []
    for name, cells in spreadsheets.cells(io.BytesIO(data), file, Reading("", "", None)):
        rows = [(number, row) for number, row in enumerate(cells, 1)]
        found.append(_sheet(f"{file} [{name}]", name, rows, ""))
    return found


def _has_formulas(archive: zipfile.ZipFile, member: str) -> bool:
    if not member.startswith("xl/worksheets/"):
        return False
    try:
        text = archive.read(member)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error):
        return False  # openpyxl will say so
    return b"<f>" in text or b"<f " in text


def _refuse_unstored(file: str, data: bytes) -> None:
    """Raise an InputError about formulas without stored values, which would be read as nothing."""
    reading = Reading("", "", None)
    both = zip(
        spreadsheets.cells(io.BytesIO(data), file, reading),
        spreadsheets.cells(io.BytesIO(data), file, reading, formulas=True),
    )
    for (name, stored), (_, formulas) in both:
        values = {
            (number, place): value
            for number, (row, meant) in enumerate(zip(stored, formulas), 1)
            for place, (value, formula) in enumerate(zip(row, meant), 1)
            if formula.startswith("=") and formula != value
        }
        if values and not any(values.values()):
            number, place = next(iter(values))
            raise InputError(
                f"sheet {name!r} has formulas without stored values, the first in row {number}, column "
                f"{place}; open it in a spreadsheet, and save it"
            )


def _decoded(data: bytes, encoding: str | None) -> tuple[str, str]:
    """A text file as text, and how it was decoded if that is worth a word."""
    known = next((each for mark, each in MARKS if data.startswith(mark)), None) or _wide(data) or encoding
    if known is not None:
        try:
            return data.decode(known), "" if known == "utf-8-sig" else known
        except (UnicodeError, LookupError) as error:
            raise InputError(
                f"is not written in {known} ({error}); export it again, or correct {option('encoding')}"
            ) from None
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    chinese = _as_chinese(data)
    if chinese is not None:
        return chinese, "GBK"
    lines = io.StringIO(data.decode("latin-1"), newline="")
    raise InputError(f"{where_not_utf8(lines, 'the file')}")


def _as_chinese(data: bytes) -> str | None:
    """A text in GBK: nearly all its letters are the common ones, which other encodings do not yield."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    letters = "".join(each for each in text if not each.isascii())
    common = letters.encode("gb2312", errors="ignore").decode("gb2312")
    return text if len(common) >= COMMON * len(letters) else None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a byte order mark: every second byte of its Latin letters is 0."""
    head = data[:400]
    if len(head) < 4 or head.count(0) < len(head) // 4:
        return None
    return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"


def _text(text: str) -> list[tuple[int, list[str]]]:
    """Numbers and cells of the rows of a text with a mark between columns, which is found out."""
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        mark, text, skipped = first.strip()[-1], rest, 1
    else:
        lines = [line for line in text[:HEAD].splitlines()[:20] if line.strip()]
        mark = max(map(headed, lines), key=lambda each: len(each[1]), default=(",", []))[0]
    table = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    rows = []
    try:
        rows += ((number, row) for number, row in enumerate(table, 1 + skipped))
    except csv.Error as error:
        raise InputError(
            f"row {len(rows) + 1 + skipped} (line {table.line_num + skipped}) cannot be split into cells: "
            f"{error}; mend its quotation marks, or export again"
        ) from None
    return rows


def _sheet(file: str, name: str, rows: list[tuple[int, list[str]]], encoding: str) -> Sheet:
    trimmed = [(number, [cell.strip(BLANKS) for cell in row]) for number, row in rows]
    held = [(number, row) for number, row in trimmed if any(row)]
    return Sheet(file, name, held, len(rows) - len(held), encoding)
