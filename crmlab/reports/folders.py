"""The folder of a report: whether it can be one, and whether what stands there is of ours."""

import os
from collections.abc import Sequence
from pathlib import Path

from crmlab.errors import InputError, option


def checked(out: str | Path, files: Sequence[str], mark: str) -> Path:
    """The folder `out` as a path.

    Parameters
    ----------
    files : sequence of str
        What the report writes; the first is its page.
    mark : str
        What stands in every page of such a report.

    Raises
    ------
    InputError
        If it cannot be a folder, cannot be written to, or holds files of these names that are another's.
    """
    folder = Path(out).expanduser()
    above = folder
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise InputError(f"{option('out')} is {str(out)!r}, but {str(above)!r} is a file; name a folder")
    if not os.access(above, os.W_OK):
        raise InputError(
            f"{option('out')} is {str(out)!r}, but {str(above)!r} cannot be written to; name another folder"
        )
    there = [name for name in files if (folder / name).exists()]
    if there and not is_marked(folder / files[0], mark):
        raise InputError(
            f"{option('out')} is {str(out)!r}, which holds {', '.join(there)} of no report of ours; name "
            f"another folder, or remove what is there"
        )
    return folder


def is_marked(page: Path, mark: str) -> bool:
    """Whether a page is one of ours."""
    try:
        return mark in page.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
