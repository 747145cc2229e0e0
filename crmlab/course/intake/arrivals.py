"""Files that came back, out of a folder or an archive, without trusting any of their names.

Nothing is unpacked to where an archive says: contents are read into memory one at a time, up to a limit, and
written later to a place made of the roster's id and the exercise's name. What one student handed in can cost
that student alone: zips within are opened under limits of their own.
"""

import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from crmlab.errors import InputError

LARGEST = 20_000_000  # bytes of one file; notebooks with many pictures have five
MOST_FILES = 200_000
MOST_OF_ONE = 1000  # files in one hand-in
DIRECTORY = 500_000  # bytes of the table of contents of a student's zip
SKIPPED = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db"}

# Moodle: Jane Doe_123_assignsubmission_file/x.ipynb, older ones with a _ more, or all in the file's name.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>[0-9]{1,18})_assignsubmission_[a-z]+_?(?P<file>.*)")
# Canvas: doejane_LATE_123_456_x.ipynb; anonymous: LATE_anon_a1b2c_456_x.ipynb.
CANVAS = re.compile(
    r"(?P<name>\w+?)(?P<late>_LATE)?_(?P<number>[0-9]{1,18})_(?P<file_number>[0-9]{1,18})_(?P<file>.+)"
)
ANONYMOUS = re.compile(r"(?P<late>LATE_)?anon_[^\W_]+_(?P<file_number>[0-9]{1,18})_(?P<file>.+)")
NBGRADER_TIME = "timestamp.txt"


@dataclass
class Arrival:
    """One file that may be a submission.

    Attributes
    ----------
    label : str
        Where it was, as a human finds it.
    parts : tuple of str
        The path inside its source.
    problem : str
        Why it cannot be taken, or empty.
    stamp : str
        What nbgrader's ``timestamp.txt`` beside it says, to be believed in nbgrader's tree alone.
    unread : str
        A stamp that could not be read.
    cost : int
        Bytes that must be read besides its own: of the zip that it is in.
    order : tuple
        Later ones sort after earlier ones.
    late : bool
        Marked as late by the system that it comes from.
    outer : tuple of str
        For a file in a zip that a student made: the zip's own path. What is inside does not say whose it is.
    """

    label: str
    parts: tuple
    read: Callable = field(repr=False, default=lambda: b"")
    problem: str = ""
    stamp: str = ""
    unread: str = ""
    cost: int = 0
    order: tuple = ()
    late: bool = False
    outer: tuple = ()

    @property
    def file(self) -> str:
        return self.parts[-1]

    @property
    def place(self) -> tuple[str, ...]:
        """The part of the path that no student could choose freely, its last name without ending."""
        *folders, last = self.outer or self.parts
        return (*folders, last.rpartition(".")[0] or last)

    @property
    def hand_in(self) -> str:
        """What was handed in together with it: all that its student can put there shares one budget."""
        match = self.moodle() or self.canvas()
        if match:
            return f"{match['name']}_{match['number']}"
        return "/".join((self.outer or self.parts)[:-1]) or self.label

    @property
    def may_be_notebook(self) -> bool:
        """Whether its name is a notebook's, or one that browsers and editors make of a notebook's."""
        name = self.file.lower()
        return ".ipynb" in name or name.endswith((".json", ".txt"))

    @property
    def anonymous(self) -> bool:
        """Whether Canvas hid the name."""
        return bool(ANONYMOUS.fullmatch(self.place[-1]))

    def moodle(self) -> re.Match[str] | None:
        """Moodle's full name and participant number, or None."""
        return next((match for part in self.place if (match := MOODLE.fullmatch(part))), None)

    def canvas(self) -> re.Match[str] | None:
        """Canvas's name, user number and file number, or None. Canvas puts all files in one folder."""
        return None if self.anonymous else CANVAS.fullmatch(self.place[-1])


def arrivals(source: Path | str, stack: ExitStack) -> Iterator[Arrival]:
    """Everything in a folder or zip that might be a submission.

    Parameters
    ----------
    source : path
    stack : ExitStack
        Keeps archives open as long as contents may be read.

    Yields
    ------
    Arrival
    """
    source = Path(source).expanduser()
    if source.is_dir():
        found = _in_folder(source)
    elif source.suffix.lower() == ".ipynb" and source.is_file():
        found = iter([_file(source, (source.name,), source.name)])
    elif source.is_file() and zipfile.is_zipfile(source):
        found = _in_zip(_opened(source, stack), source.name)
    elif source.exists():
        raise InputError(f"{str(source)!r} is neither a folder nor a zip file")
    else:
        raise InputError(f"no folder or file {str(source)!r}")
    for each in found:
        each.late = bool((match := ANONYMOUS.fullmatch(each.file) or each.canvas()) and match["late"])
        if each.file.lower().endswith(".zip") and not each.problem:
            yield from _in_inner_zip(each)
        else:
            yield each


def _in_folder(folder):
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _skipped(each))
        for name in [*folders]:
            if os.path.islink(os.path.join(place, name)):
                folders.remove(name)
        stamp = _stamp(Path(place) / NBGRADER_TIME) if NBGRADER_TIME in names else ""
        for name in sorted(each for each in names if not _skipped(each)):
            path = Path(place) / name
            parts = tuple(map(_readable, path.relative_to(folder).parts))
            each = _file(path, parts, shown("/".join(parts)))
            each.stamp = stamp
            if name != NBGRADER_TIME:
                yield each


def _readable(name):
    """A file's name as text, also where it is in no encoding that this system knows."""
    return os.fsencode(name).decode("utf-8", "replace")


def _skipped(name):
    return name in SKIPPED or name.startswith("._")


def _file(path, parts, label):
    try:
        status = path.lstat()
    except OSError as error:
        return Arrival(label, parts, problem=f"cannot be read: {error.strerror}")
    if not stat.S_ISREG(status.st_mode):
        return Arrival(label, parts, problem="a link or device, not followed")
    if status.st_size > LARGEST:
        return Arrival(label, parts, problem=_too_large(status.st_size))
    return Arrival(label, parts, read=lambda: _read_file(path), order=_order(parts, status.st_mtime))


def _read_file(path):
    with open(path, "rb") as file:
        return file.read(LARGEST + 1)


def _too_large(size):
    return f"{size / 1e6:.0f} MB, more than the {LARGEST / 1e6:.0f} MB that are read"


def _order(parts, seconds):
    """Canvas numbers its files in the order in which they came; elsewhere the file's time has to do."""
    match = ANONYMOUS.fullmatch(parts[-1]) or CANVAS.fullmatch(parts[-1])
    return (int(match["file_number"]) if match else 0, float(seconds), *parts)


def _stamp(path):
    """What nbgrader's ``timestamp.txt`` says: ``2026-11-23 07:53:59.000000 UTC``."""
    try:
        with open(path, "rb") as file:
            return shown(file.read(100).decode("utf-8", "replace").strip())
    except OSError:
        return ""


def shown(text: str) -> str:
    """A name that anyone may have chosen, fit for a terminal and a table: no control characters."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def printable(text: str, most: int) -> str:
    """`shown`, on one line and no longer than `most`."""
    return shown(" ".join(text[: 4 * most].split()))[:most]


# ---------------------------------------------------------------------------------------------- archives


def _opened(source, stack):
    try:
        return stack.enter_context(zipfile.ZipFile(source))
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise InputError(f"{str(source)!r} is a damaged zip file: {error}") from None


def _in_zip(archive, name, before=(), reader=None):
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise InputError(f"{name} holds {len(entries)} files; that is no hand-in")
    reader = reader or (lambda entry: _reader(archive, entry))
    stamps = {
        PurePosixPath(entry.filename).parent: entry
        for entry in entries
        if PurePosixPath(entry.filename).name == NBGRADER_TIME
    }
    for entry in entries:
        parts = PurePosixPath(name_of(entry).replace("\\", "/")).parts
        if entry.is_dir() or not parts or any(map(_skipped, parts)) or parts[-1] == NBGRADER_TIME:
            continue
        stamp = stamps.get(PurePosixPath(entry.filename).parent)
        yield Arrival(
            shown(f"{name}/{'/'.join(parts)}"),
            (*before, *parts),
            reader(entry),
            _entry_problem(entry, parts),
            stamp=_stamped(archive, stamp) if stamp is not None else "",
            order=_order(parts, _seconds(entry)),
        )


def name_of(entry: zipfile.ZipInfo) -> str:
    """An entry's name; one that does not say that it is UTF-8 is tried as UTF-8, then as GBK."""
    if entry.flag_bits & 0x800 or entry.filename.isascii():
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in ("utf-8", "gbk"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _stamped(archive, entry):
    try:
        return shown(_reader(archive, entry)()[:100].decode("utf-8", "replace").strip())
    except InputError:
        return ""


def _entry_problem(entry, parts):
    if ".." in parts or parts[0].startswith("/") or re.match(r"[A-Za-z]:", parts[0]):
        return "its name leads out of the archive"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link, not followed"
    if entry.flag_bits & 1:
        return "locked by a password"
    if entry.file_size > LARGEST:
        return _too_large(entry.file_size)
    return ""


def _seconds(entry):
    try:
        return datetime(*entry.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _reader(archive, entry):
    """Reads what an entry holds, never more than the limit, whatever the archive says of its size."""

    def read():
        try:
            with archive.open(entry) as file:
                return file.read(LARGEST + 1)
        except Exception as error:  # zipfile and its decompressors raise many kinds
            raise InputError(f"{entry.filename!r} in the archive is damaged: {error}") from None

    return read


def _in_inner_zip(outer):
    """What a student zipped: one archive deep, no deeper."""
    inner = _Inner(outer)
    try:
        with inner.opened() as archive:
            before = (*outer.parts[:-1], outer.parts[-1][:-4])
            found = list(_in_zip(archive, outer.label, before, inner.reader))
    except (InputError, zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        outer.problem = f"a zip that cannot be opened: {error}"
        yield outer
        return
    for each in found:
        each.order, each.late = (*outer.order[:2], *each.parts), outer.late
        each.stamp, each.outer, each.cost = outer.stamp, outer.parts, inner.size
        yield each


class _Inner:
    """A student's zip. It is opened again for each file that is read, so that none is kept in memory."""

    def __init__(self, outer):
        self.outer, self.size = outer, 0

    def opened(self):
        data = self.outer.read()
        self.size = len(data)
        if len(data) > LARGEST:
            raise InputError(_too_large(len(data)))
        directory = _directory_size(data)
        if directory > DIRECTORY:
            raise InputError(f"its table of contents has {directory / 1e6:.1f} MB")
        archive = zipfile.ZipFile(io.BytesIO(data))
        if len(archive.infolist()) > MOST_OF_ONE:
            raise InputError(f"it holds {len(archive.infolist())} files, more than {MOST_OF_ONE}")
        return archive

    def reader(self, entry):
        def read():
            with self.opened() as archive:
                return _reader(archive, entry)()

        return read


def _directory_size(data):
    """Bytes of a zip's table of contents as its last record tells, before anything is made of them."""
    at = data.rfind(b"PK\5\6", -65_557)
    if at < 0 or len(data) < at + 16:
        raise zipfile.BadZipFile("it has no table of contents")
    return int.from_bytes(data[at + 12 : at + 16], "little")
