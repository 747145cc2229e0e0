"""Regression formulas over arrays: what statsmodels reads, evaluated for many cohorts at once."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from patsy import ModelDesc, PatsyError

from crmlab.errors import InputError, check_known


class Formula:
    """A regression formula evaluated on arrays of shape ``(..., rows)``.

    Attributes
    ----------
    terms : list of str
        Names of the design matrix's columns, as statsmodels prints them.
    """

    def __init__(self, text: str):
        self.text = text
        try:
            parsed = ModelDesc.from_formula(text)
        except PatsyError as error:
            raise InputError(f"formula {text!r} cannot be read: {str(error).splitlines()[0]}") from None
        if len(parsed.lhs_termlist) != 1 or len(parsed.lhs_termlist[0].factors) != 1:
            raise InputError(f"formula {text!r} must have one outcome on its left")
        self._outcome = parsed.lhs_termlist[0].factors[0].code
        self._factors = {
            term.name(): [factor.code for factor in term.factors] for term in parsed.rhs_termlist
        }
        self.terms = list(self._factors)

    def arrays(self, columns: Mapping) -> tuple[np.ndarray, np.ndarray]:
        """Outcome ``(..., rows)`` and design matrix ``(..., rows, terms)``.

        Raises
        ------
        InputError
            If a column is missing, is not numeric or holds missing or infinite values.
        """
        outcome = self._evaluate(self._outcome, columns)
        values = {code: self._evaluate(code, columns) for codes in self._factors.values() for code in codes}
        shape = np.broadcast_shapes(outcome.shape, *(each.shape for each in values.values()))
        matrix = np.ones((*shape, len(self.terms)))
        for at, codes in enumerate(self._factors.values()):
            for code in codes:
                matrix[..., at] *= values[code]
        return np.broadcast_to(outcome, shape), matrix

    def _evaluate(self, code, columns):
        try:
            value = eval(code, {"np": np, "I": np.asarray}, _Columns(columns))
            value = np.asarray(value, dtype=float)
        except InputError:
            raise
        except (TypeError, ValueError):
            raise InputError(
                f"{code!r} in formula {self.text!r} is not numeric; "
                "give indicator columns of 0 and 1 for categories"
            ) from None
        if not np.isfinite(value).all():
            raise InputError(
                f"{code!r} in formula {self.text!r} has {int((~np.isfinite(value)).sum())} missing or "
                "infinite values; drop or fill them, and say how"
            )
        return value


class _Columns(dict):
    """Columns for `eval`: a name that is not there is the user's mistake, not a KeyError."""

    def __missing__(self, name):
        if name in ("np", "I"):
            raise KeyError(name)  # lets eval look among its globals
        check_known("column", [name], self)


@lru_cache(maxsize=256)
def formula(text: str) -> Formula:
    """The parsed `Formula`; parsing takes longer than a regression, so it is done once."""
    return Formula(text)
