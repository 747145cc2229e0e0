"""The log-likelihood of a model over rows, with gradient and Hessian in its coefficients."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce

import numpy as np
import numpy.typing as npt

from crmlab.cores import available_cores
from crmlab.models.btyd.rows import BLOCK, Rows

Array = npt.NDArray[np.float64]
Some = Array | float  # one number a row, or one for all
# From columns and parameters: log-likelihood of each row, its first and its second derivatives.
Terms = Callable[..., tuple[Array, list[Array], Mapping[tuple[int, int], Some]]]


class Likelihood:
    """The mean log-likelihood of a model on `rows`, with gradient and Hessian in the coefficients.

    Coefficients are the logs of the model's parameters, followed by those of the covariates.

    Parameters
    ----------
    terms : callable
        ``terms(columns, *parameters)`` returns, for each row, the log-likelihood, a list of its k first
        derivatives and a dict ``{(j, l): second derivative}``, j ≤ l, all in the parameters themselves.
    rows : Rows
    n_parameters : int
    slopes : sequence of (int, array), optional
        For each covariate coefficient, the parameter whose log it moves and the column that multiplies it.
    threads : int, optional
    """

    def __init__(
        self,
        terms: Terms,
        rows: Rows,
        n_parameters: int,
        slopes: Sequence[tuple[int, Array]] = (),
        threads: int | None = None,
    ) -> None:
        self.terms, self.rows, self.k, self.slopes = terms, rows, n_parameters, list(slopes)
        self.parts = [slice(start, start + BLOCK) for start in range(0, len(rows), BLOCK)]
        threads = min(threads or available_cores(), 8, len(self.parts))
        self.map = ThreadPoolExecutor(threads).map if threads > 1 else map
        self.total = rows.total
        self.evaluations = 0

    def parameters(self, coefficients: Array, part: slice = slice(None)) -> list[Some]:
        """The model's parameters: floats, or arrays of shape (rows,) where covariates act."""
        logs = list(coefficients[: self.k])
        for (j, column), slope in zip(self.slopes, coefficients[self.k :]):
            logs[j] = logs[j] + slope * column[part]
        return [np.exp(each) for each in logs]

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """(value, gradient, Hessian) at `coefficients`."""
        self.evaluations += 1
        sums = list(self.map(lambda part: self._block(coefficients, part), self.parts))
        value = sum(value for value, _, _ in sums)
        gradient = reduce(np.add, (gradient for _, gradient, _ in sums))
        hessian = reduce(np.add, (hessian for _, _, hessian in sums))
        return value / self.total, gradient / self.total, hessian / self.total

    def _block(self, coefficients: Array, part: slice) -> tuple[float, Array, Array]:
        rows = self.rows[part]
        parameters = self.parameters(coefficients, part)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, first, second = self.terms(rows.columns, *parameters)
        if self.slopes:
            return self._with_covariates(parameters, part, rows.weight, value, first, second)
        weight = rows.weight

        def total(each: Some) -> float:
            return np.sum(weight * each)  # `each` may be one number for all rows

        gradient = np.array([total(each) for each in first]) * parameters
        hessian = np.diag(gradient)
        for (j, l), each in second.items():
            hessian[j, l] += total(each) * parameters[j] * parameters[l]
            hessian[l, j] = hessian[j, l]
        return total(value), gradient, hessian

    def _with_covariates(
        self,
        parameters: list[Some],
        part: slice,
        weight: Array,
        value: Array,
        first: list[Array],
        second: Mapping[tuple[int, int], Some],
    ) -> tuple[float, Array, Array]:
        logs = [g * p for g, p in zip(first, parameters)]
        moves = [(j, 1.0) for j in range(self.k)] + [(j, column[part]) for j, column in self.slopes]
        gradient = np.array([np.sum(weight * logs[j] * z) for j, z in moves])
        hessian = np.zeros((len(moves), len(moves)))
        for a, (j, z) in enumerate(moves):
            for b, (l, y) in enumerate(moves[: a + 1]):
                curve = second.get((min(j, l), max(j, l)), 0.0) * parameters[j] * parameters[l]
                if j == l:
                    curve = curve + logs[j]
                hessian[a, b] = hessian[b, a] = np.sum(weight * curve * z * y)
        return np.sum(weight * value), gradient, hessian
