"""The Bass (1969) model of first purchases: who starts by oneself, and who because others have.

With ``F(t)`` the share of eventual adopters who have adopted by t, the hazard is ``p + q F(t)``, so that
``F(t) = (1 - exp(-(p + q) t)) / (1 + (q / p) exp(-(p + q) t))``. The sales of a period are
``m (F(t) - F(t - 1))``: fitting that by least squares (Srinivasan & Mason 1986) needs no approximation of the
derivative, as Bass' own regression of sales on cumulative sales and their square does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit, minimize

from crmlab.errors import InputError
from crmlab.models.delta import jacobian


@dataclass(frozen=True)
class Bass:
    """A fitted Bass model.

    Attributes
    ----------
    p, q : float
        Coefficients of innovation and of imitation, a period.
    market : float
        Eventual adopters: people, or the share of them.
    covariance : array of shape (3, 3), optional
        Of ``p``, ``q`` and ``market``, where the method gives one.
    log_likelihood : float
        NaN where there is none.
    """

    p: float
    q: float
    market: float
    covariance: np.ndarray | None = None
    log_likelihood: float = np.nan

    @property
    def errors(self) -> dict[str, float]:
        """Standard errors by name; empty where the method gives none."""
        if self.covariance is None:
            return {}
        return dict(zip(("p", "q", "market"), np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    @property
    def peak(self) -> float:
        """When most adopt, ``ln(q / p) / (p + q)`` periods after the launch; 0 where q is not above p."""
        return max(float(np.log(self.q / self.p) / (self.p + self.q)), 0.0) if self.q > 0 else 0.0

    def sales(self, periods: int) -> np.ndarray:
        """Adopters in each of the first periods."""
        return adopters(np.arange(1, periods + 1), self.p, self.q, self.market)

    def band(self, periods: int) -> tuple[np.ndarray, np.ndarray]:
        """95% interval of the curve in each of the first periods, by the delta method.

        Raises
        ------
        InputError
            If the fit has no covariance.
        """
        if self.covariance is None:
            raise InputError("this fit has no covariance; take bass_by_curve's")
        period, point = np.arange(1, periods + 1), np.array([self.p, self.q, self.market])
        slopes = jacobian(lambda at: adopters(period, *at), point, step=1e-6)
        reach = 1.96 * np.sqrt(np.einsum("it,ij,jt->t", slopes, self.covariance, slopes))
        return self.sales(periods) - reach, self.sales(periods) + reach


def adopted(time: np.ndarray | float, p: float, q: float) -> np.ndarray:
    """Share of eventual adopters who have adopted by then."""
    gone = np.exp(-(p + q) * np.asarray(time, dtype=float))
    return (1 - gone) / (1 + q / p * gone)


def adopters(period: np.ndarray, p: float, q: float, market: float) -> np.ndarray:
    """Adopters in periods that are counted from 1."""
    period = np.asarray(period, dtype=float)
    return market * (adopted(period, p, q) - adopted(period - 1, p, q))


def bass_by_curve(sales: Sequence[float] | np.ndarray) -> Bass:
    """Nonlinear least squares on sales from the launch on, with the errors of its linearisation.

    Parameters
    ----------
    sales : sequence of float
        Of successive periods, the first from the launch; five or more.

    Raises
    ------
    InputError
        If there are fewer than five, or one is negative or missing.
    ArithmeticError
        If the curve has no bend that could be fitted.

    Notes
    -----
    Errors take the deviations for independent and equally large. Near the peak and before it the interval of
    the market covers less than it says.
    """
    series = _series(sales)
    period, total = np.arange(1, len(series) + 1), series.sum()
    best = None
    for p, q in ((0.01, 0.4), (0.03, 0.2), (0.003, 0.7)):
        try:
            found, spread = curve_fit(
                adopters, period, series, p0=(p, q, 1.5 * total), bounds=([1e-7, 0, total / 2], np.inf),
                max_nfev=4000,
            )  # fmt: skip
        except (RuntimeError, OptimizeWarning):
            continue
        left = ((series - adopters(period, *found)) ** 2).sum()
        if best is None or left < best[0]:
            best = left, found, spread
    if best is None:
        raise ArithmeticError("no Bass curve could be fitted: the sales show no bend")
    p, q, market = (float(each) for each in best[1])
    return Bass(p, q, market, best[2])


def bass_by_regression(sales: Sequence[float] | np.ndarray) -> Bass:
    """Bass' own least squares: sales on the cumulative sales before, and their square. No errors.

    Raises
    ------
    InputError
        As `bass_by_curve`.
    ArithmeticError
        If the parabola has no positive root: no market.
    """
    series = _series(sales)
    before = np.concatenate([[0.0], np.cumsum(series)[:-1]])
    curve, slope, start = np.polyfit(before, series, 2)
    roots = np.roots([curve, slope, start])
    real = roots[np.isreal(roots)].real
    real = real[real > 0]
    if not len(real) or start <= 0:
        raise ArithmeticError("the regression's parabola has no positive root: there is no market size")
    market = float(real.max())
    return Bass(float(start / market), float(-curve * market), market)


def bass_by_likelihood(
    period: Sequence[float] | np.ndarray, periods: int, ceiling: bool = True, imitation: bool = True
) -> Bass:
    """Maximum likelihood from the periods in which individuals adopted.

    Parameters
    ----------
    period : sequence of int
        Of each individual: 1 to `periods`, or more for who had not adopted when observation ended.
    periods : int
    ceiling : bool
        Whether the share who ever adopt is estimated (``market``), or 1.
    imitation : bool
        Whether q is estimated, or 0.

    Returns
    -------
    Bass
        Without errors: near the edges of the parameters they would say little. Compare log-likelihoods.
    """
    times = np.asarray(period)
    counts = np.array([(times == each).sum() for each in range(1, periods + 1)])
    never = int((times > periods).sum())
    if counts.sum() + never != len(times) or not counts.sum():
        raise InputError(f"period must hold whole numbers from 1, some of them up to {periods}")
    grid = np.arange(1, periods + 1)

    def parameters(point):
        q = np.exp(point[1]) if imitation else 0.0
        return np.exp(point[0]), q, 1 / (1 + np.exp(-point[2])) if ceiling else 1.0

    def minus(point):
        p, q, market = parameters(point)
        chances = adopters(grid, p, q, market)
        left = 1 - market * adopted(periods, p, q)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = -(counts @ np.log(chances) + (never * np.log(left) if never else 0.0))
        return value if np.isfinite(value) else 1e10

    starts = [(np.log(p), np.log(q), 2.0) for p in (0.05, 0.1) for q in (0.05, 0.2)]
    options = {"maxiter": 4000, "xatol": 1e-8, "fatol": 1e-10}
    found = min((minimize(minus, each, method="Nelder-Mead", options=options) for each in starts),
                key=lambda each: each.fun)  # fmt: skip
    p, q, market = parameters(found.x)
    return Bass(float(p), float(q), float(market), None, -float(found.fun))


def _series(sales):
    series = np.asarray(sales, dtype=float)
    bad = np.flatnonzero(~(series >= 0))
    if len(bad):
        raise InputError(f"row {bad[0]}: sales are {series[bad[0]]}; they must be 0 or more")
    if len(series) < 5:
        raise InputError(f"sales has {len(series)} periods; a Bass curve needs five or more")
    return series
