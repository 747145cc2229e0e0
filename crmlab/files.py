"""Files are written beside their place and renamed, so a reader never meets half of one."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

UNFINISHED = ".unfinished"
# What readers of CSV take for a missing value; the empty text is one
TAKEN_FOR_MISSING = {"null", "NULL", "NA", "N/A", "n/a", "nan", "NaN", "None", "<NA>", "#N/A", "-nan", "-NaN"}


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


def csv_text(table: "pd.DataFrame") -> str:
    """A table as CSV in which a word stays a word: the preset ``null`` is written ``(null)``.

    As ``null`` it would be read as a missing value, by pandas' `read_csv` among others.
    """
    words = {name: f"({name})" for name in TAKEN_FOR_MISSING}
    texts = table.select_dtypes(exclude="number").columns
    kept = table.assign(**{name: table[name].map(lambda each: words.get(each, each)) for name in texts})
    return kept.to_csv(index=False, lineterminator="\n")


def write_table(table: "pd.DataFrame", path: Path) -> None:
    """Write a table as Parquet or, if its name ends in ``.csv``, as CSV, beside its place and renamed."""
    if path.suffix.lower() == ".csv":
        write_text(path, csv_text(table))
        return
    import duckdb

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as database:
        beside = Path(folder) / "table.parquet"
        database.register("written", table)
        database.execute("COPY written TO $path (FORMAT parquet)", {"path": str(beside)})
        write_bytes(path, beside.read_bytes())


def remove_unfinished(folder: str | Path) -> None:
    """Remove what writers into a folder left that were killed on the way; nobody may be writing there now."""
    for path in Path(folder).glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
