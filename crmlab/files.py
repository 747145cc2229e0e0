"""Files are written beside their place and renamed, so a reader never meets half of one."""

import os
import tempfile
from pathlib import Path

UNFINISHED = ".unfinished"


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write `data` to `path`, making its folder; the old file stays whole until the new one is."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(beside, 0o666 & ~_umask())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
    return path


def write_text(path: str | Path, text: str) -> Path:
    r"""Write `text` as UTF-8 with ``\n`` line ends; see `write_bytes`."""
    return write_bytes(path, text.encode("utf-8"))


def remove_unfinished(folder: str | Path) -> None:
    """Remove what writers into a folder left that were killed on the way; nobody may be writing there now."""
    for path in Path(folder).glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
