"""Who adopted a new thing, and when: durables by year, doctors by month with their ties."""

import numpy as np
import pandas as pd

from crmlab.data.locating import complete, located, read_r

MONTHS = 17  # of the doctors' prescriptions that were looked through


def load_durables() -> pd.DataFrame:
    """American sales of three durables in the first years after their launch.

    Returns
    -------
    DataFrame
        34 rows, one a product and year: product, year, thousands (sold in the year).
    """
    return complete("durables", pd.read_csv(located("durables")))


def load_tetracycline() -> pd.DataFrame:
    """Doctors of four towns in Illinois: when they first prescribed tetracycline, and what they are like.

    Returns
    -------
    DataFrame
        125 rows, index doctor (0 to 124): city, month (1 to 17; 18 for never), science (1 to 3, the larger
        the more they care for science against patients), journals (1 to 3, of medical journals received), and
        peers, a tuple of the doctors named as friends, for advice or for discussion, as far as they are in
        the sample.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get tetracycline``.

    References
    ----------
    Coleman, J. S., Katz, E. & Menzel, H. (1966). Medical innovation. Bobbs-Merrill.
    """
    doctors = read_r("tetracycline")["medInnovations"].reset_index(drop=True)
    place = {key: at for at, key in enumerate(zip(doctors["city"], doctors["id"], strict=True))}
    named = doctors.filter(regex="^net[123]_").to_numpy(float)
    peers = [
        tuple(sorted({place[city, each] for each in row[~np.isnan(row)] if (city, each) in place}))
        for city, row in zip(doctors["city"], named, strict=True)
    ]
    table = pd.DataFrame(
        {
            "city": doctors["city"].astype(int),
            "month": doctors["toa"].astype(int),
            "science": doctors["science"],
            "journals": doctors["journ2"],
            "peers": peers,
        }
    ).rename_axis("doctor")
    return complete("tetracycline", table)


def doctor_months(doctors: pd.DataFrame) -> pd.DataFrame:
    """A row for each month in which a doctor could have adopted, as hazard models want it.

    Parameters
    ----------
    doctors : DataFrame
        As `load_tetracycline` returns.

    Returns
    -------
    DataFrame
        doctor, month, science, journals, adopted (0 or 1: in this month), peers_adopted (share of the peers
        who had adopted before this month; 0 for a doctor without peers in the sample).
    """
    month = doctors["month"].to_numpy()
    rows = []
    for doctor, (last, peers) in enumerate(zip(month, doctors["peers"], strict=True)):
        adopted = month[list(peers)]
        for now in range(1, min(last, MONTHS) + 1):
            share = (adopted < now).mean() if len(adopted) else 0.0
            rows.append((doctor, now, int(last == now), share))
    table = pd.DataFrame(rows, columns=["doctor", "month", "adopted", "peers_adopted"])
    return table.join(doctors[["science", "journals"]], on="doctor")
