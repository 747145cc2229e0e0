"""The European customer satisfaction index of mobile phone operators; its model is `crmlab.data.ecsi`."""

import pandas as pd

from crmlab.data.locating import complete, located


def load_mobi() -> pd.DataFrame:
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
    return complete("mobi", pd.read_csv(located("mobi"), index_col=0).reset_index(drop=True))
