"""A survey on a device that tells where one is: whom young people trust, what they fear, who would use it."""

import pandas as pd

from crmlab.data.locating import complete, read_r

SCALES = {  # items of each, by the name of its column: the file's name and how many
    "trust": ("trust", 2),
    "risk": ("risk", 3),
    "concern": ("privcon", 4),
    "intent": ("intent", 2),
}


def load_privacy() -> pd.DataFrame:
    """1,090 young Europeans' answers on a location tracker.

    Returns
    -------
    DataFrame
        1,090 rows, one a person: means of items, named as in `SCALES`: ``trust`` in providers, ``risk`` and
        ``intent`` to adopt from 1 to 7, privacy ``concern`` from 1 to 5.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get privacy``.

    References
    ----------
    Lancelot Miltgen, C., Henseler, J., Gelhard, C. & Popovič, A. (2016). Introducing new products that affect
    consumer privacy: A mediation model. Journal of Business Research 69, 4659–4666.
    doi:10.1016/j.jbusres.2016.04.015
    """
    answers = complete("privacy", next(iter(read_r("privacy").values())))
    items = {
        name: [f"{item}{number}" for number in range(1, count + 1)] for name, (item, count) in SCALES.items()
    }
    means = {name: answers[each].astype(float).mean(axis=1) for name, each in items.items()}
    return pd.DataFrame(means).reset_index(drop=True)
