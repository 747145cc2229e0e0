"""The files of a log: found by a name, a folder or a pattern, and made into what DuckDB reads.

Parquet, text and JSON files are read as they stand. Archives are unpacked, spreadsheets, other encodings and
columns set apart by blanks become text files in UTF-8, in the temporary folder of the log.
"""

import codecs
import csv
import glob
import gzip
import io
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from crmlab.data.logs import spreadsheets
from crmlab.data.logs.reading import Reading
from crmlab.errors import InputError, listing, option

KINDS = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz"),
    "json": (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz"),
    "xlsx": (".xlsx", ".xlsm"),
    "zip": (".zip",),
}
NAMES = {
    "parquet": "Parquet (.parquet)",
    "csv": "text (.csv, .tsv, .txt, also .gz)",
    "json": "JSON lines (.jsonl)",
    "xlsx": "spreadsheets (.xlsx)",
    "zip": "archives (.zip)",
}
DELIMITERS = ",;\t|"  # of text files
WHITESPACE = "whitespace"
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
CHUNK = 1 << 20


@dataclass
class Files:
    """The files of a log.

    Attributes
    ----------
    kind : {"parquet", "csv", "json"}
        As which DuckDB reads them.
    paths : list of str
    names : dict of str to str
        What a user calls them, by path, where that is something else.
    """

    kind: str
    paths: list[str]
    names: dict[str, str] = field(default_factory=dict)

    def name_of(self, path: str) -> str:
        """What a user calls a file, without its folder."""
        return self.names.get(path, Path(path).name)


def found(source: object, reading: Reading, folder: Path) -> Files:
    """The files of a log, ready to be read; `folder` takes what has to be written anew.

    Raises
    ------
    InputError
        If there are none, or several kinds, or one that cannot be read as it is said to be written.
    """
    kind, paths = _listed(source)
    names: dict[str, str] = {}
    if kind == "zip":
        paths, names = _unpacked(paths, folder)
        kind, paths = _of_one_kind(paths, str(source))
    paths = [path for path in paths if os.path.getsize(path)]
    if not paths:
        raise InputError(f"log {str(source)!r} is empty; its first line must name the columns")
    if kind == "parquet":
        return Files(kind, paths, names)
    ready = Files("csv" if kind == "xlsx" else kind, [], {})
    for number, path in enumerate(paths):
        made = _prepared(path, kind, reading, folder / f"{number}.csv")
        ready.paths.append(made)
        ready.names[made] = names.get(path, Path(path).name)
    return ready


def versions(source: object) -> list[tuple[str, int, int]]:
    """The files of a log as given (for one in an archive, the archive), with size and time of last change."""
    real = [
        next(each for each in (Path(path), *Path(path).parents) if each.is_file())
        for path in _listed(source)[1]
    ]
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in real]


def kind_of(path: str) -> str | None:
    """The kind of a file by the end of its name."""
    return next((kind for kind, ends in KINDS.items() if path.lower().endswith(ends)), None)


# -- finding -------------------------------------------------------------------------------------------------


def _listed(source: object) -> tuple[str, list[str]]:
    """(kind, files) of a path, a folder or a pattern."""
    try:
        text = os.fspath(source)
    except TypeError:
        raise InputError(
            f"log is a {type(source).__name__}; give a pandas DataFrame, a file, a folder or a pattern"
        ) from None
    path = Path(text).expanduser()
    if path.is_dir():
        inside = (each for each in path.rglob("*") if not each.name.startswith((".", "_", "~$")))
        return _of_one_kind(sorted(str(each) for each in inside if kind_of(each.name)), text)
    inside = [str(path)] if path.is_file() else sorted(glob.glob(str(path), recursive=True))
    archive = next((each for each in path.parents if each.is_file() and zipfile.is_zipfile(each)), None)
    if not inside and archive is not None:
        return "zip", [str(path)]
    if not inside:
        raise InputError(
            f"log {text!r} is not there: neither a file nor a folder nor a pattern that some file meets"
        )
    return _of_one_kind(inside, text)


def _of_one_kind(paths: list[str], source: str) -> tuple[str, list[str]]:
    kinds = {kind_of(path) for path in paths}
    if not paths:
        ends = [end for kind in KINDS.values() for end in kind[:1]]
        raise InputError(f"log {source!r} is a folder without {', '.join(ends[:-1])} or {ends[-1]} files")
    if None in kinds:
        odd = [os.path.basename(path) for path in paths if kind_of(path) is None]
        raise InputError(
            f"log {source!r} must be {listing(NAMES.values())} files, of one kind; got {listing(odd, 3)}"
        )
    if len(kinds) > 1:
        held = listing(NAMES[kind] for kind in KINDS if kind in kinds)
        raise InputError(
            f"log {source!r} holds files of several kinds: {held}; name one, as '{source}/*.csv'"
        )
    return kinds.pop() or "", paths


def _unpacked(archives: list[str], folder: Path) -> tuple[list[str], dict[str, str]]:
    """The files in archives, or the one that is named behind an archive's name, and what they are called."""
    paths, names = [], {}
    for archive in archives:
        wanted = None
        if not os.path.isfile(archive):
            whole = Path(archive)
            real = next(each for each in whole.parents if each.is_file())
            archive, wanted = str(real), whole.relative_to(real).as_posix()
        for member in _members(archive, wanted):
            place = folder / "unpacked" / f"{len(paths)}-{Path(member).name}"
            place.parent.mkdir(exist_ok=True)
            with zipfile.ZipFile(archive) as opened, opened.open(member) as text, place.open("wb") as out:
                shutil.copyfileobj(text, out)
            paths.append(str(place))
            names[str(place)] = f"{Path(archive).name}/{member}"
    return paths, names


def _members(archive: str, wanted: str | None) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as opened:
            every = [each.filename for each in opened.infolist() if not each.is_dir()]
            locked = any(each.flag_bits & 1 for each in opened.infolist())
    except zipfile.BadZipFile:
        raise InputError(f"log {archive!r} is no archive that can be read") from None
    if locked:
        raise InputError(f"log {archive!r} is locked by a password; unpack it first")
    files = [each for each in every if kind_of(each) not in (None, "zip") and "__MACOSX" not in each]
    if wanted is not None and wanted not in every:
        raise InputError(f"log {archive!r} holds no {wanted!r}; it holds {listing(every, 10)}")
    if wanted is None and len({kind_of(each) for each in files}) != 1:
        raise InputError(
            f"log {archive!r} holds {listing(every, 10) or 'nothing'}; name one, as '{archive}/NAME'"
        )
    return files if wanted is None else [wanted]


# -- preparing -----------------------------------------------------------------------------------------------


def _prepared(path: str, kind: str, reading: Reading, place: Path) -> str:
    """The path of a text or JSON file in UTF-8 with what is in `path`."""
    if kind == "xlsx":
        return spreadsheets.as_text(path, reading, place)
    encoding = reading.encoding or _marked(path)
    blanks = kind == "csv" and reading.delimiter == WHITESPACE
    if encoding in (None, "utf-8-sig") and not blanks:
        return path
    place = place.with_suffix(f".{kind}")
    with opened(path, encoding or "utf-8") as text, place.open("w", encoding="utf-8", newline="") as out:
        try:
            if blanks:
                csv.writer(out).writerows(line.split() for line in text if line.strip())
            else:
                shutil.copyfileobj(text, out, CHUNK)
        except (UnicodeDecodeError, UnicodeError) as error:
            raise InputError(
                f"log {path!r} is not written in {encoding or 'utf-8'} ({error.reason}); say by "
                f"{option('encoding')} in which encoding it is"
                if isinstance(error, UnicodeDecodeError)
                else f"log {path!r} is not written in {encoding}: {error}"
            ) from None
    return str(place)


@contextmanager
def opened(path: str, encoding: str = "utf-8-sig", errors: str = "strict") -> Iterator[io.TextIOBase]:
    """A text file, packed or not, to read from."""
    with _bytes(path) as raw, io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="") as text:
        yield text


def _bytes(path: str) -> BinaryIO:
    return gzip.open(path, "rb") if path.lower().endswith(".gz") else Path(path).open("rb")


def _marked(path: str) -> str | None:
    """The encoding that a byte order mark says."""
    with _bytes(path) as raw:
        head = raw.read(4)
    return next((encoding for mark, encoding in MARKS if head.startswith(mark)), None)


def not_utf8(files: Files) -> str | None:
    """Where the first text that is not UTF-8 stands and what it could be, as a sentence."""
    for path in files.paths:
        with opened(path, "latin-1") as text:
            told = where_not_utf8(text, files.name_of(path))
        if told is not None:
            return told
    return None


def where_not_utf8(lines: Iterable[str], name: str) -> str | None:
    """The first of the lines, read as latin-1, that is not UTF-8, as a sentence."""
    for number, line in enumerate(lines, 1):
        try:
            line.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            return (
                f"{name} is not UTF-8: line {number} read as latin-1 is {line.strip()[:60]!r}; say by "
                f"{option('encoding')} how it is written, such as 'latin-1', 'cp1252' or 'gb18030', or save "
                f"the file as UTF-8"
            )
    return None


def first_line(path: str) -> str:
    """The first line of a text file, whatever its encoding."""
    with opened(path, errors="replace") as text:
        return text.readline(1 << 16).rstrip("\r\n")


def headed(line: str) -> tuple[str, list[str]]:
    """The delimiter of a text file's first line and its cells, by the delimiter that makes most of them."""
    cells = {mark: next(csv.reader([line], delimiter=mark), []) for mark in DELIMITERS}
    mark = max(cells, key=lambda each: len(cells[each]))
    return mark, cells[mark]
