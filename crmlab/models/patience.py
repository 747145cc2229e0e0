"""How long customers would wait: patience, seen only of those who give up before they are served."""

import numpy as np
import pandas as pd

from crmlab.errors import InputError, check_known

COLUMNS = ["wait", "gave_up"]


def median_patience(waits: pd.DataFrame) -> float:
    """Seconds after which half would have given up, had nobody been served: by Kaplan and Meier.

    Parameters
    ----------
    waits : DataFrame
        A row a customer who waited: ``wait`` in seconds, and ``gave_up`` (bool); who did not was served, and
        is censored. That service comes independently of patience is assumed.

    Returns
    -------
    float
        Infinite if fewer than half gave up within the longest wait seen.
    """
    from lifelines import KaplanMeierFitter

    _check(waits)
    return float(KaplanMeierFitter().fit(waits.wait, waits.gave_up).median_survival_time_)


def hazard_by_minute(waits: pd.DataFrame, minutes: int = 6) -> pd.DataFrame:
    """How often customers give up in each minute of waiting, per minute waited.

    Parameters
    ----------
    waits : DataFrame
        As for `median_patience`.
    minutes : int

    Returns
    -------
    DataFrame
        ``minute`` (1 is the first), ``waiting`` at its beginning, ``gave_up`` in it, and the ``hazard``:
        those who gave up over the minutes that all spent in it, with ``low`` and ``high`` (95%, of a Poisson
        count, on the log scale).
    """
    _check(waits)
    rows = []
    for start in 60.0 * np.arange(minutes):
        spent = np.clip(waits.wait - start, 0, 60).sum() / 60
        left = int((waits.gave_up & (waits.wait > start) & (waits.wait <= start + 60)).sum())
        hazard = left / spent if spent else np.nan
        reach = np.exp(1.96 / np.sqrt(left)) if left else np.nan
        waiting = int((waits.wait > start).sum())
        rows.append((round(start / 60) + 1, waiting, left, hazard, hazard / reach, hazard * reach))
    return pd.DataFrame(rows, columns=["minute", "waiting", "gave_up", "hazard", "low", "high"])


def patience_by_group(waits: pd.DataFrame, group: str) -> pd.DataFrame:
    """Waits, shares that gave up and median patience of each group.

    Parameters
    ----------
    waits : DataFrame
        As for `median_patience`.
    group : str
        A further column.

    Returns
    -------
    DataFrame
        One row a group: ``calls``, mean ``wait`` (seconds), ``gave_up`` (share), ``median_patience``.
    """
    _check(waits)
    check_known("group", [group], waits.columns)
    parts = waits.groupby(group)
    return pd.DataFrame(
        {
            "calls": parts.size(),
            "wait": parts.wait.mean(),
            "gave_up": parts.gave_up.mean(),
            "median_patience": [median_patience(part) for _, part in parts],
        }
    ).reset_index()


def _check(waits):
    check_known("column", COLUMNS, waits.columns)
    if not (waits.wait > 0).all():
        bad = waits.index[~(waits.wait > 0)][:3].tolist()
        raise InputError(f"wait must be positive; rows {bad} are not: leave out who was served at once")
