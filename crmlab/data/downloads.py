"""Fetching the data sets whose cards say ``kind = "download"``.

``crmlab data get NAME`` or `fetch` does it, never a lesson, from an address that names one version for good.
What arrives is checked against the SHA-256 on its card.
"""

import os
import shutil
from pathlib import Path

import pooch

from crmlab.data.cards import card
from crmlab.data.locating import checked, folder, how_to_get, lying
from crmlab.errors import InputError

REPOSITORIES = "https://raw.githubusercontent.com/"


def fetch(name: str, progressbar: bool = False) -> Path:
    """Download a data set's file, unless it is there already, and check it.

    Parameters
    ----------
    name : str
        Of a card whose kind is download.
    progressbar : bool
        Whether to draw one.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is no such file to download, the network cannot be reached, or what came or lay there is not
        the file that is meant. A file that lay there is left as it was.
    """
    one = card(name)
    if one.kind != "download":
        raise InputError(f"{name} is not downloaded. {how_to_get(name)}")
    lies = lying(one)
    if lies is not None:
        return checked(name, lies)
    place, source = folder() / one.file, REPOSITORIES + one.path
    place.parent.mkdir(parents=True, exist_ok=True)
    arriving = place.with_name(f"{place.name}.{os.getpid()}.new")
    try:
        pooch.HTTPDownloader(progressbar=progressbar, timeout=30)(source, str(arriving), None)
        checked(name, arriving, one.file)
        shutil.move(arriving, place)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        raise InputError(
            f"{name} could not be downloaded ({type(error).__name__}); connect this computer and try again, "
            f"or put the file {one.file} from {source} into {folder()}"
        ) from None
    finally:
        arriving.unlink(missing_ok=True)
    return place
