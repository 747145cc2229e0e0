"""Stages of customers: where one can be from month to month, and the tables that say so.

A code is ``(kind * PLACES + place) * 3 + action``: the kind of customer, 0 or 1; the place, below; no
contact, a general one, or one made for the stage. An outcome is 0 to advance, 1 to stay, 2 to fall.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

STAGES = ("prospect", "first purchase", "repeat", "loyal", "lapsed")
PROSPECT, FIRST, REPEAT, LOYAL, LAPSED = range(5)
MONTHS = 12  # moves observed of each customer, and months of visits

# Where a customer can be: a stage of the ladder, moved up to last month or not (places 0 to 7), or lapsed for
# so many months (8 to 19). Where each outcome leads from there: advance, stay, fall.
PLACES = 8 + MONTHS
STAGE_OF = np.append(np.repeat(range(4), 2), np.full(MONTHS, LAPSED))
MOVED_UP = np.append(np.tile([0, 1], 4), np.zeros(MONTHS, int))
LAPSED_FOR = np.append(np.zeros(8, int), np.arange(1, MONTHS + 1))
_LONGER = np.minimum(8 + LAPSED_FOR, PLACES - 1)
NEXT = np.array(
    [
        np.select([STAGE_OF < LOYAL, STAGE_OF == LOYAL], [2 * STAGE_OF + 3, 2 * LOYAL], 2 * REPEAT),
        np.select([STAGE_OF < LOYAL, STAGE_OF == LOYAL], [2 * STAGE_OF, 2 * REPEAT], _LONGER),
        _LONGER,
    ]
)


def long_table(columns: Mapping[str, np.ndarray], unit: str) -> dict[str, np.ndarray]:
    """Columns of shape (..., units, months) as rows of a unit and a month, the first month numbered 1."""
    units, months = next(iter(columns.values())).shape[-2:]
    rows = {name: values.reshape(*values.shape[:-2], units * months) for name, values in columns.items()}
    number, month = np.repeat(np.arange(units), months), np.tile(np.arange(1, months + 1), units)
    return {unit: number, "month": month, **rows}


def months_table(code: np.ndarray, outcome: np.ndarray) -> dict[str, np.ndarray]:
    """What is seen of each month. Those who have lapsed are not contacted: nobody knows where they are."""
    place, action = code // 3 % PLACES, code % 3
    action = np.where(STAGE_OF[place] == LAPSED, 0, action)
    return long_table(
        {
            "stage": STAGE_OF[place],
            "next_stage": STAGE_OF[NEXT[outcome, place]],
            "heavy": code // 3 // PLACES,
            "contacted": (action > 0) * 1,
            "matched": (action == 2) * 1,
            "moved_up": MOVED_UP[place],
            "lapsed_for": LAPSED_FOR[place],
            "advanced": (outcome == 0) * 1,
        },
        "customer",
    )


def counted(codes: Sequence[np.ndarray], outcomes: Sequence[np.ndarray]) -> np.ndarray:
    """Months by kind, place and action and by whether the customer advanced: shape (..., 2, PLACES, 3, 2)."""
    lead, cells = codes[0].shape[:-1], 2 * PLACES * 3 * 2
    row = cells * np.arange(int(np.prod(lead))).reshape(*lead, 1)
    total = np.zeros(cells * int(np.prod(lead)), np.intp)
    for code, outcome in zip(codes, outcomes):
        kind = (2 * code + (outcome == 0) + row).ravel().astype(np.intp, copy=False)
        total += np.bincount(kind, minlength=total.size)
    return total.reshape(*lead, 2, PLACES, 3, 2)


def ladder_table(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Months of customers who have not lapsed, by kind, place and action."""
    heavy, place, action = np.indices((2, 8, 3)).reshape(3, -1)
    found = counts[..., :, :8, :, :].reshape(*counts.shape[:-4], -1, 2)
    return {
        "first": (STAGE_OF[place] == FIRST) * 1,
        "repeat": (STAGE_OF[place] == REPEAT) * 1,
        "loyal": (STAGE_OF[place] == LOYAL) * 1,
        "heavy": heavy,
        "moved_up": MOVED_UP[place],
        "contacted": (action > 0) * 1,
        "matched": (action == 2) * 1,
        "months": found.sum(-1),
        "advanced": found[..., 1],
    }


def lapses_table(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Months of customers who have lapsed, by kind and by months since."""
    heavy, lapsed_for = np.indices((2, MONTHS)).reshape(2, -1)
    found = counts[..., :, 8:, :, :].sum(-2).reshape(*counts.shape[:-4], -1, 2)
    return {"heavy": heavy, "lapsed_for": lapsed_for + 1, "months": found.sum(-1), "returned": found[..., 1]}


def stage_panel(months: pd.DataFrame) -> np.ndarray:
    """The table ``months`` as stages of each customer from month to month, shape (customers, MONTHS + 1)."""
    shape = (-1, MONTHS)
    stage, after = (np.asarray(months[name]).reshape(shape) for name in ("stage", "next_stage"))
    return np.column_stack([stage, after[:, -1]])


def with_lapse_time(panel: np.ndarray) -> np.ndarray:
    """The panel with a state for each month of lapse: 4 in the first, 5 in the second, and so on."""
    wide = panel.copy()
    for month in range(1, panel.shape[1]):
        again = (panel[:, month] == LAPSED) & (panel[:, month - 1] == LAPSED)
        wide[again, month] = wide[again, month - 1] + 1
    return wide


def lives(months: pd.DataFrame) -> pd.DataFrame:
    """A row for each customer who was seen to move up to a first purchase before the last month.

    Returns
    -------
    DataFrame
        ``heavy``; ``months`` from that purchase to the first lapse, or to the end; ``lapsed``, false where
        the customer had not (censored).
    """
    panel = stage_panel(months)
    steps = (panel[:, :-1] == PROSPECT) & (panel[:, 1:] == FIRST)
    bought = np.where(steps.any(axis=1), steps.argmax(axis=1) + 1, MONTHS)
    lapsed = (panel == LAPSED).any(axis=1)
    end = np.where(lapsed, (panel == LAPSED).argmax(axis=1), MONTHS)
    heavy = np.asarray(months.heavy)[::MONTHS]
    table = pd.DataFrame({"heavy": heavy, "months": end - bought, "lapsed": lapsed})
    return table[bought < MONTHS].reset_index(drop=True)


def churn_two_ways(churn: pd.DataFrame) -> pd.DataFrame:
    """Churn by year of tenure, of customers with ``tenure`` in months and ``churn``, "Yes" or "No".

    As if each customer had been followed from the first month: those who left over the months lived in that
    year. And as a snapshot of one month: those who left over those who were there.
    """
    left = (churn.churn == "Yes") * 100
    year = ((churn.tenure - 1) // 12 + 1).clip(1, 6)
    lived = [(churn.tenure.clip(12 * at, 12 * at + 12) - 12 * at).sum() for at in range(6)]
    of_year = left.groupby(year)
    table = {"followed (% a month)": of_year.sum() / lived, "snapshot (% last month)": of_year.mean()}
    return pd.DataFrame(table).rename_axis("year of tenure")
