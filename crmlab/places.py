"""Where the lessons, exercises and data sets are."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from crmlab.errors import InputError, listing

PACKAGE = Path(__file__).resolve().parent
STORING = "CRMLAB_STORE_VERIFIED"  # set in the kernels of ``crmlab refresh``: results on real data are stored


@dataclass(frozen=True)
class Lesson:
    """One notebook in ``notebooks/``: ``09_loyalty.ipynb`` is number ``09``, name ``loyalty``."""

    number: str
    name: str
    path: Path

    @property
    def stem(self) -> str:
        """The name of its files without their ending: ``09_loyalty``."""
        return f"{self.number}_{self.name}"


def root() -> Path:
    """The folder that holds ``notebooks/``, ``exercises/`` and ``datasets/``.

    ``CRMLAB_HOME`` if it is set, else the checkout, else the copy inside the installed package.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    given = os.environ.get("CRMLAB_HOME")
    for place in [Path(given)] if given else [PACKAGE.parent, PACKAGE / "home"]:
        if (place / "notebooks").is_dir():
            return place.resolve()
    raise InputError(
        f"CRMLAB_HOME is {given!r}, which has no folder notebooks/; point it at a copy of crmlab"
        if given
        else "no folder notebooks/ beside the package; set CRMLAB_HOME to a copy of crmlab"
    )


def work() -> Path:
    """The folder of a student's own copies, which may not be there yet.

    ``CRMLAB_WORK`` if it is set, else ``work/`` in the checkout, else ``crmlab-work/`` in the folder where
    one is: an installed package is no place for anybody's work.
    """
    given = os.environ.get("CRMLAB_WORK")
    if given:
        return Path(given).expanduser()
    home = root()
    return home / "work" if home != (PACKAGE / "home").resolve() else Path.cwd() / "crmlab-work"


def lessons() -> list[Lesson]:
    """Every lesson there is, by number."""
    found = []
    for path in sorted((root() / "notebooks").glob("*.ipynb")):
        match = re.fullmatch(r"(\d\d)_(\w+)", path.stem)
        if match:
            found.append(Lesson(*match.groups(), path))
    return found


def lesson(which: str | int | Path) -> Lesson:
    """The lesson that `which` names: ``"09"``, ``9``, ``"loyalty"``, ``"09_loyalty"`` or a notebook's path.

    Raises
    ------
    InputError
        If there is none; the message lists the lessons.
    """
    text = str(which).strip()
    known = lessons()
    for each in known:
        if text in (each.number, each.name, each.stem) or (text.isdigit() and int(text) == int(each.number)):
            return each
    path = Path(text)
    if path.suffix == ".ipynb" and path.is_file():
        match = re.fullmatch(r"(\d\d)_(\w+)", path.stem)
        return Lesson(*(match.groups() if match else ("", path.stem)), path.resolve())
    raise InputError(f"no lesson {text!r}; there are {listing(each.stem for each in known) or 'none yet'}")
