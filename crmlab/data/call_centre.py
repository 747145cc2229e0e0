"""A month of calls to a bank's call centre."""

import pandas as pd

from crmlab.data.locating import complete, located

_SECONDS = {"vru_time": "menu", "q_time": "wait", "ser_time": "talk"}


def load_calls() -> pd.DataFrame:
    """Calls to the call centre of an Israeli bank in January 1999.

    Returns
    -------
    DataFrame
        31,599 rows, one a call: ``customer`` (0 where not known), ``priority`` (0 none, 1 ordinary, 2 high),
        ``type`` (``PS``, regular activity, is the most frequent), ``day`` of the month, ``hour`` in which the
        call came, ``outcome`` (``AGENT`` served, ``HANG`` given up, ``PHANTOM``), seconds in the ``menu``, of
        ``wait`` in the queue and of ``talk``, and the ``agent`` by first name (``NO_SERVER`` if none).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get calls``.

    Notes
    -----
    Collected by Guedj & Mandelbaum, Technion.
    """
    found = pd.read_csv(located("calls"), sep="\t")
    calls = found[["priority", "type", "outcome", *_SECONDS]].rename(columns=_SECONDS)
    calls.insert(0, "customer", found.customer_id)
    calls["agent"] = found.server.str.strip()
    calls["day"] = found.date % 100
    calls["hour"] = found.vru_entry.str.partition(":")[0].astype(int)
    return complete("calls", calls)


def regular_calls(calls: pd.DataFrame, shortest: int = 10, fewest: int = 100) -> pd.DataFrame:
    """Calls of regular activity that an agent took, with the agents numbered.

    Parameters
    ----------
    calls : DataFrame
        As `load_calls` returns them.
    shortest : int
        Seconds of talk; shorter calls are left out, among them those at which an agent hung up.
    fewest : int
        Agents with fewer calls that are long enough are left out.

    Returns
    -------
    DataFrame
        Those rows, with ``agent_number`` from 0 in the alphabetical order of the agents.
    """
    taken = calls[(calls.type == "PS") & (calls.outcome == "AGENT") & (calls.agent != "NO_SERVER")]
    taken = taken[taken.talk >= shortest]
    taken = taken[taken.groupby("agent").talk.transform("size") >= fewest]
    return taken.assign(agent_number=taken.agent.astype("category").cat.codes.astype(int))


def queued_calls(calls: pd.DataFrame) -> pd.DataFrame:
    """Calls that had to wait for an agent, with those that hung up marked.

    Parameters
    ----------
    calls : DataFrame
        As `load_calls` returns them.

    Returns
    -------
    DataFrame
        Those rows, with ``gave_up`` (bool). For the others the wait says only that their patience was longer.
    """
    queued = calls[(calls.wait > 0) & calls.outcome.isin(["AGENT", "HANG"])]
    return queued.assign(gave_up=queued.outcome == "HANG")
