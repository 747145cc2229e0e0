"""Kano's questionnaire: two answers to a class, counts of classes to better and worse.

Each feature is asked about twice: how would you feel if you had it, how if you did not? (Kano, Seraku,
Takahashi & Tsuji 1984, doi:10.20684/quality.14.2_147.) Answers are 1 like, 2 must be, 3 neutral,
4 live with, 5 dislike.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from crmlab.errors import InputError, check_known, listing

ANSWERS: tuple[str, ...] = ("like", "must be", "neutral", "live with", "dislike")
CLASSES: dict[str, str] = {
    "A": "attractive",
    "O": "one-dimensional",
    "M": "must-be",
    "I": "indifferent",
    "R": "reversed",
    "Q": "questionable",
}
_ROWS = ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")  # one a functional answer, columns dysfunctional
EVALUATION: np.ndarray = np.array([list(row) for row in _ROWS])


def evaluation_table() -> pd.DataFrame:
    """Kano's table: the class of each pair of answers, functional down, dysfunctional across."""
    index = pd.Index(ANSWERS, name="with it")
    return pd.DataFrame(EVALUATION, index, pd.Index(ANSWERS, name="without it"))


def kano_class(with_it: np.ndarray, without_it: np.ndarray) -> np.ndarray:
    """The class of each pair of answers.

    Parameters
    ----------
    with_it, without_it : array of shape (...)
        Answers 1 to 5 to the functional and to the dysfunctional question.

    Returns
    -------
    array of str, shape (...)
        ``"A"``, ``"O"``, ``"M"``, ``"I"``, ``"R"`` or ``"Q"``.

    Raises
    ------
    InputError
        If an answer is not a whole number from 1 to 5.

    Examples
    --------
    >>> kano_class(np.array([1, 1, 2, 1]), np.array([3, 5, 5, 1])).tolist()
    ['A', 'O', 'M', 'Q']
    """
    return EVALUATION[_numbers(with_it, "with_it"), _numbers(without_it, "without_it")]


def _numbers(answers, name):
    values = np.asarray(answers, dtype=float)
    bad = ~np.isin(values, range(1, 6))
    if bad.any():
        at = np.argwhere(bad)[:3, 0].tolist() if bad.ndim else 0
        raise InputError(
            f"{name} has {int(bad.sum())} answers that are no whole number from 1 to 5 (rows {at}); "
            "code them 1 like to 5 dislike, and drop who did not answer"
        )
    return values.astype(int) - 1


def kano_classes(answers: pd.DataFrame, features: Iterable[str]) -> pd.DataFrame:
    """The class of each person's answers about each feature.

    Parameters
    ----------
    answers : DataFrame
        One row a person, columns ``with_FEATURE`` and ``without_FEATURE`` of answers 1 to 5.
    features : iterable of str

    Returns
    -------
    DataFrame
        One row a person, one column a feature.
    """
    features = list(features)
    check_known("column", [f"{side}_{name}" for name in features for side in ("with", "without")], answers)
    found = {
        name: kano_class(answers[f"with_{name}"].to_numpy(), answers[f"without_{name}"].to_numpy())
        for name in features
    }
    return pd.DataFrame(found, index=answers.index)


def class_counts(classes: pd.DataFrame) -> pd.DataFrame:
    """Answers by class, with `better` and `worse`: one row a feature.

    Parameters
    ----------
    classes : DataFrame
        As `kano_classes` gives them. Transposed, it is counted by person.
    """
    return placed(pd.DataFrame({name: (classes == name).sum() for name in CLASSES}))


def placed(counts: pd.DataFrame) -> pd.DataFrame:
    """Counts or shares by class with the columns ``better`` and ``worse``; see the functions of those names.

    Parameters
    ----------
    counts : DataFrame
        One row a feature, or a person, and a column for each class. Rows without an answer in A, O, M or I
        have no place: NaN.
    """
    total = counts[list("AOMI")].sum(axis=1).replace(0, np.nan)
    return counts.assign(
        better=(counts["A"] + counts["O"]) / total, worse=-(counts["O"] + counts["M"]) / total
    )


def lean(classes: pd.DataFrame) -> pd.DataFrame:
    """1 where a person finds a feature attractive, -1 where must-be, 0 elsewhere."""
    return 1.0 * (classes == "A") - (classes == "M")


def better(counts: Mapping[str, float]) -> float:
    """How much having the feature can please: ``(A + O) / (A + O + M + I)``, from 0 to 1.

    Berger et al. (1993), who leave reversed and questionable answers out of both sums.

    Parameters
    ----------
    counts : mapping of str to number
        Answers, or shares of them, by class.
    """
    return _share(counts, "AO")


def worse(counts: Mapping[str, float]) -> float:
    """How much missing the feature can annoy: ``-(O + M) / (A + O + M + I)``, from -1 to 0; see `better`."""
    return -_share(counts, "OM")


def _share(counts, of):
    missing = [name for name in "AOMI" if name not in counts]
    if missing:
        raise InputError(f"counts has no {listing(missing)}; give 0 for a class without answers")
    total = sum(float(counts[name]) for name in "AOMI")
    if total <= 0:
        raise InputError("counts of A, O, M and I are all 0; without them nothing can be said of the feature")
    return sum(float(counts[name]) for name in of) / total
