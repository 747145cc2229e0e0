"""Means of a survey that not everybody answers, when some of the silent are asked again."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.estimators.influence import mean_of


@dataclass(frozen=True)
class DoubleSample(Estimator):
    """The mean over all who were asked, from those who answered and a random part of those who did not.

    Parameters
    ----------
    outcome : str
        Column; looked at only in rows that were heard.
    answered : str
        Column of 0 and 1: whether the row answered by itself.
    followed : str
        Column of 0 and 1: whether a row that did not was drawn, by lot, and heard then.
    table : str, optional
        Needed when the cohort has several.

    Notes
    -----
    ``share of answers · mean of answers + share of the silent · mean of the followed`` (Hansen & Hurwitz
    1946). Its error is the spread of each row's influence; that of a followed row is stretched by how many
    of the silent it stands for.
    """

    outcome: str
    answered: str
    followed: str
    table: str | None = None

    failure: ClassVar[str] = "some did not answer, and none of them was followed up"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns = tables.columns(self.table)
        check_known("column", [self.outcome, self.answered, self.followed], columns)
        heard, answered, followed = (
            np.asarray(columns[name], float) for name in (self.outcome, self.answered, self.followed)
        )
        if (answered * followed != 0).any():
            raise InputError(f"{self.followed} is not 0 in rows where {self.answered} is 1")
        silent = 1 - answered
        drawn = followed.sum(-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            stands_for = silent.sum(-1, keepdims=True) / drawn
            later = (followed * heard).sum(-1, keepdims=True) / drawn
            said = answered * heard + silent * later + followed * stands_for * (heard - later)
            return mean_of(np.where(silent.sum(-1, keepdims=True) > 0, said, heard))
