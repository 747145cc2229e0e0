"""Covariates of purchases and of dropout: what they move, and the model of customers who have given ones."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError
from crmlab.models.btyd import checks, fitting
from crmlab.models.btyd.arguments import row_count
from crmlab.models.btyd.base import Model
from crmlab.models.btyd.checks import Covariates
from crmlab.models.btyd.rows import Rows

Array = npt.NDArray[np.float64]


class CovariateModel(Model):
    """A model whose rates may differ with covariates.

    A customer with covariates z buys at exp(γ′z) times the base rate. Which parameter dropout covariates act
    on is each model's to say.
    """

    purchase_parameter = 1  # the parameter whose log falls by γ′z
    dropout_parameter: int  # the parameter that dropout covariates move
    dropout_sign = 1.0

    def _sides(self) -> tuple[tuple[str, int, float], tuple[str, int, float]]:
        """For purchase and dropout: the parameter that covariates move, and the direction."""
        return (
            ("purchase", self.purchase_parameter, -1.0),
            ("dropout", self.dropout_parameter, self.dropout_sign),
        )

    def _standardised(self, rows: Rows, fixed: Mapping[str, float]) -> tuple[Rows, Array]:
        """Covariates with mean 0 and spread 1, in which the ascent does not depend on their origin and unit.

        Returns
        -------
        Rows, array of shape (k, k)
            The matrix takes coefficients of these rows to coefficients of the covariates as given.
        """
        k = start = len(self.parameter_names)
        tables = {"purchase": rows.purchase, "dropout": rows.dropout}
        back = np.eye(k + sum(table.shape[1] for table in tables.values() if table is not None))
        for side, j, sign in self._sides():
            table = tables[side]
            if table is None:
                continue
            mean = rows.weight @ table / rows.total
            spread = np.sqrt(rows.weight @ (table - mean) ** 2 / rows.total)
            # A parameter held at a value is that of a customer whose covariates, as given, are 0.
            mean = np.zeros_like(mean) if self.parameter_names[j] in fixed else mean
            slopes = np.arange(start, start + table.shape[1])
            back[slopes, slopes] = 1.0 / spread
            back[j, slopes] = -sign * mean / spread
            tables[side], start = (table - mean) / spread, start + table.shape[1]
        return replace(rows, purchase=tables["purchase"], dropout=tables["dropout"]), back

    @staticmethod
    def _refuse_collinear(*tables: Array | None) -> None:
        for name, table in zip(("purchase_covariates", "dropout_covariates"), tables):
            if table is None:
                continue
            spread = table.std(axis=0)
            constant = spread <= 1e-10 * np.abs(table).max(axis=0)
            scaled = (table - table.mean(axis=0)) / np.where(constant, 1.0, spread)
            correlation = scaled.T @ scaled / len(table)
            if constant.any() or np.linalg.matrix_rank(correlation, tol=1e-10) < table.shape[1]:
                raise InputError(f"{name} has a constant column or one that others add up to; leave it out")

    def _slopes(self, rows: Rows) -> list[tuple[int, Array]]:
        tables = (rows.purchase, rows.dropout)
        return [
            (j, sign * z)
            for (_, j, sign), table in zip(self._sides(), tables)
            if table is not None
            for z in table.T
        ]

    def _customer_parameters(
        self, n: int, purchase_covariates: Covariates, dropout_covariates: Covariates
    ) -> list[Array | float]:
        """Parameters for n customers: floats, or arrays of shape (n,) where covariates act."""
        values: list[Array | float] = [*self._values()]
        for side, j, sign, names, z in self._given_covariates(n, purchase_covariates, dropout_covariates):
            gamma = np.array([self.params_[f"{side}_{name}"] for name in names])
            values[j] = np.broadcast_to(values[j] * np.exp(sign * (z @ gamma)), (n,))
        return values

    def _given_covariates(
        self, n: int, *tables: Covariates
    ) -> Iterator[tuple[str, int, float, tuple[str, ...], Array]]:
        """For each side with covariates: its name, parameter and direction, their names and values.

        The values have n rows, or one that stands for all n customers.
        """
        known = self.covariate_names_ or ((), ())
        for (side, j, sign), names, table in zip(self._sides(), known, tables):
            argument = f"{side}_covariates"
            if table is None and not names:
                continue
            if table is None:
                raise InputError(
                    f"{argument} not given; the model was fitted with {', '.join(names)}: give them, or ask "
                    f"model.at(...), the model of customers with given covariates"
                )
            have, z = checks.covariates(argument, table, 1 if row_count(table) == 1 else n)
            if have != names or z is None:
                raise InputError(
                    f"{argument} has columns {', '.join(have)}; the model was fitted with "
                    f"{', '.join(names) or 'none'}"
                )
            yield side, j, sign, names, z

    def at(
        self,
        *,
        purchase_covariates: Mapping[str, float] | Covariates = None,
        dropout_covariates: Mapping[str, float] | Covariates = None,
    ) -> Self:
        """The model of customers with these covariates, itself without any: for predictions and pictures.

        Parameters
        ----------
        purchase_covariates, dropout_covariates : dict, or DataFrame or array_like of one row
            Values of the covariates that the model was fitted with.

        Returns
        -------
        model of the same kind
            Its parameters with their covariance, by the delta method.
        """
        if "_coefficients" not in self.__dict__:
            raise InputError("at() needs a fitted model; call fit first")
        tables = [
            pd.DataFrame([table]) if isinstance(table, Mapping) else table
            for table in (purchase_covariates, dropout_covariates)
        ]
        k = start = len(self.parameter_names)
        turn = np.eye(k, len(self.params_))
        for _, j, sign, names, z in self._given_covariates(1, *tables):
            turn[j, start : start + len(names)] = sign * z[0]
            start += len(names)
        other = self._unfitted()
        found = fitting.turned(turn, self._coefficients, self._coefficient_covariance)
        other._put(self.parameter_names, k, *found)
        return other
