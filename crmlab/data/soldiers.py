"""Soldiers who were asked three times how satisfied and how committed they are."""

import pandas as pd

from crmlab.data.locating import complete, read_r


def load_univbct() -> pd.DataFrame:
    """Job satisfaction and commitment of soldiers at three times.

    Returns
    -------
    DataFrame
        495 rows, one a soldier; ``satisfaction_1`` to ``satisfaction_3`` and ``commitment_1`` to
        ``commitment_3``, scores from 1 to 5, NaN where a soldier did not answer.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get univbct``.

    References
    ----------
    Bliese, P. D. & Ployhart, R. E. (2002). Growth modeling using random coefficient models. Organizational
    Research Methods 5, 362–387.
    """
    people = read_r("univbct")["univbct"].drop_duplicates("SUBNUM").reset_index(drop=True)
    names = {"JOBSAT": "satisfaction", "COMMIT": "commitment"}
    columns = {f"{ours}_{time}": f"{theirs}{time}" for theirs, ours in names.items() for time in (1, 2, 3)}
    table = pd.DataFrame({ours: people[theirs].astype(float) for ours, theirs in columns.items()})
    return complete("univbct", table)
