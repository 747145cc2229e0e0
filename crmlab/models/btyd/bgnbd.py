"""BG/NBD and its modified form: purchases while active are Poisson, dropout happens at purchases.

A customer buys at rate λ and, after a purchase, drops out with probability p; λ ~ Gamma(r, α) and
p ~ Beta(a, b) over customers. In the BG/NBD the first purchase carries no risk of dropout, so whoever has not
bought again is active for certain; the modified form lets dropout follow the first purchase too.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln, expit, gammaln

from crmlab.mechanisms import purchases
from crmlab.models.btyd import checks
from crmlab.models.btyd.arguments import over_unique
from crmlab.models.btyd.histories import HistoryModel
from crmlab.models.btyd.special import beta_mean, discounted_power, log_rising, softplus
from crmlab.words import words

Array = npt.NDArray[np.float64]
SHAPES_WITH_DROPOUT_AT_START = [  # where the likelihood may have several maxima
    (r, a, b) for r in (0.3, 1.5) for a, b in ((0.2, 0.4), (0.5, 1.5), (0.5, 10.0), (1.5, 30.0), (5.0, 5.0))
]


class BetaGeometric(HistoryModel):
    """What models share in which customers may drop out at each purchase, with chance p ~ Beta(a, b)."""

    parameter_names = ("r", "alpha", "a", "b")
    time_parameters = ("alpha",)
    dropout_parameter = 2  # a: the mean odds of dropout a/b are multiplied by exp(γ′z)
    weak_prior = {"r": (1.0, 1.5), "a": (1.0, 1.5), "b": (2.0, 1.5)}
    _shapes = [(r, a, b) for r in (0.25, 1.0, 4.0) for a, b in ((0.5, 1.5), (1.0, 8.0))]  # to start from
    flips_at_start = 0  # chances to drop out before the first repeat purchase

    def _starts(self, rows):
        x, _, T = rows.columns
        rate = 1.4 * rows.weighted(x) / rows.weighted(T)  # some of T is spent inactive
        never = rows.weighted(x == 0) / rows.total  # whom only the rate explains: (1 + T/alpha)^−r of them
        shapes = np.geomspace(0.02, 20.0, 60)
        expected = (1.0 + rate * rows.weighted(T) / rows.total / shapes) ** -shapes
        from_moments = (shapes[np.argmin(np.abs(expected - never))], 0.5, 1.5)
        return [(r, r / rate, a, b) for r, a, b in (from_moments, *self._shapes)]

    def _alive(self, columns, *parameters):
        return expit(-self._log_odds(columns, *parameters))

    def _log_odds(self, columns, *parameters):
        """Log odds of having dropped out at the last purchase rather than being active."""
        raise NotImplementedError


class _PoissonPurchases(BetaGeometric):
    def _terms(self, columns, r, alpha, a, b):
        """Log-likelihood of each row with first and second derivatives.

        Fader, Hardie & Lee (2005), equation 6, as base + log(1 + odds): `base` is a customer who survived
        every chance to drop out, `odds` those of having dropped out at the last purchase.
        """
        # R, B, A: logs of the rising factorials of r, b and a + b, each with two derivatives;
        # D and E: derivatives of the log odds in r and alpha
        x, t_x, T = columns
        flips = x + self.flips_at_start
        gone = flips > 0
        left = np.where(gone, b + flips - 1.0, 1.0)
        rx = r + x
        D = np.log1p((T - t_x) / (alpha + t_x))
        odds = np.where(gone, np.log(a / left) + rx * D, -np.inf)
        dropped = expit(odds)
        R, R1, R2 = log_rising(r, x)
        B, B1, B2 = log_rising(b, flips)
        A, A1, A2 = log_rising(a + b, flips)
        end, last = 1.0 / (alpha + T), 1.0 / (alpha + t_x)
        waited = np.log1p(T / alpha)
        value = R + B - A - r * waited - x * np.log(alpha + T) + softplus(odds)
        E = rx * (end - last)
        first = [
            R1 - waited + dropped * D,
            (r * T / alpha - x) * end + dropped * E,
            dropped / a - A1,
            B1 - A1 - dropped / left,
        ]
        q = dropped * (1.0 - dropped)
        second = {
            (0, 0): R2 + q * D * D,
            (0, 1): T / alpha * end + dropped * (end - last) + q * D * E,
            (0, 2): q * D / a,
            (0, 3): -q * D / left,
            (1, 1): (x - r * T / alpha * (T / alpha + 2.0)) * end**2
            + dropped * rx * (last**2 - end**2)
            + q * E * E,
            (1, 2): q * E / a,
            (1, 3): -q * E / left,
            (2, 2): (q - dropped) / a**2 - A2,
            (2, 3): -A2 - q / (a * left),
            (3, 3): B2 - A2 + (dropped + q) / left**2,
        }
        return value, first, second

    def _log_odds(self, columns, r, alpha, a, b):
        x, t_x, T = columns
        flips = x + self.flips_at_start
        gone = flips > 0
        with np.errstate(divide="ignore"):
            return np.where(
                gone,
                np.log(a / np.where(gone, b + flips - 1.0, 1.0))
                + (r + x) * np.log1p((T - t_x) / (alpha + t_x)),
                -np.inf,
            )

    def _expected(self, t, r, alpha, a, b):
        survives_start = b / (a + b) if self.flips_at_start else 1.0
        return survives_start * over_unique(while_active, t, r, alpha, a, b + self.flips_at_start)

    def _stays(self, t, columns, r, alpha, a, b):
        x, _, T = columns
        return over_unique(_staying, t, r + x, alpha + T, a, b + x + self.flips_at_start)

    def _conditional(self, t, columns, r, alpha, a, b):
        x, _, T = columns
        ahead = over_unique(while_active, t, r + x, alpha + T, a, b + x + self.flips_at_start)
        return self._alive(columns, r, alpha, a, b) * ahead

    def forecast(
        self, t: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike
    ) -> tuple[Array, Array]:
        """Expected purchases in (T, T+t] of customers with these histories, with derivatives.

        Parameters
        ----------
        t : float
        frequency, recency, T : array_like, shape (n,)

        Returns
        -------
        expected : array, shape (n,)
            As `conditional_expected_purchases`.
        slopes : array, shape (n, 4)
            Derivatives in r, alpha, a and b.
        """
        x, t_x, T, _ = checks.history(frequency, recency, T)
        t = checks.one_number("t", t)
        r, alpha, a, b = self._values()
        flips = x + self.flips_at_start

        def ahead(x, T):
            return _while_active_slopes(
                np.full(x.size, t), r + x, alpha + T, *np.broadcast_arrays(a, b + x + self.flips_at_start)
            )

        expected, *slopes = over_unique(ahead, x, T).T
        odds = self._log_odds((x, t_x, T), r, alpha, a, b)
        alive = expit(-odds)
        moves = [
            np.log1p((T - t_x) / (alpha + t_x)),
            (r + x) * (1.0 / (alpha + T) - 1.0 / (alpha + t_x)),
            1.0 / a,
            -1.0 / np.where(flips > 0, b + flips - 1.0, 1.0),
        ]  # of the log odds
        gone = expit(odds)
        slopes = [alive * (slope - gone * move * expected) for slope, move in zip(slopes, moves)]
        return alive * expected, np.column_stack(slopes)

    def _residual(self, rate, columns, r, alpha, a, b):
        x, _, T = columns
        ahead = over_unique(_discounted, rate, r + x, alpha + T, a, b + x + self.flips_at_start)
        return self._alive(columns, r, alpha, a, b) * ahead

    def _of_n(self, n, t, r, alpha, a, b):
        """Fader, Hardie & Lee (2005), equation 8; the sum over the NBD is an incomplete beta function."""
        share = t / (alpha + t)
        with np.errstate(divide="ignore", invalid="ignore"):
            powers = np.where(n > 0, n * np.log(share), 0.0)
        nbd = np.exp(gammaln(r + n) - gammaln(r) - gammaln(n + 1.0) - r * np.log1p(t / alpha) + powers)
        at_least = np.where(n > 0, betainc(np.maximum(n, 1.0), r, share), 1.0)
        flips = n + self.flips_at_start
        stayed = np.exp(betaln(a, b + flips) - betaln(a, b))
        left = np.where(
            flips > 0, np.exp(betaln(a + 1.0, b + np.maximum(flips, 1.0) - 1.0) - betaln(a, b)), 0.0
        )
        return stayed * nbd + left * at_least

    def _story(self):
        r, alpha, a, b = self._values()
        return [words(f"btyd.{self._words}", rate=r / alpha, gap=alpha / r, dropout=a / (a + b))]


class BGNBD(_PoissonPurchases):
    """The BG/NBD model: repeat purchases with dropout after repeat purchases.

    Parameters r and alpha (in the unit of time) describe purchase rates, Gamma(r, alpha); a and b the
    probabilities of dropping out after a repeat purchase, Beta(a, b). Covariates: a customer's alpha is
    alpha·exp(−γ′z), so the purchase rate is multiplied by exp(γ′z); a customer's a is a·exp(γ′z), so the mean
    odds of dropout are.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the
    easy way: an alternative to the Pareto/NBD model. Marketing Science 24, 275–284.
    https://doi.org/10.1287/mksc.1040.0098

    Examples
    --------
    >>> model = BGNBD().fit(summary.frequency, summary.recency, summary["T"])  # doctest: +SKIP
    >>> model.conditional_expected_purchases(39, 2, 30.43, 38.86)  # doctest: +SKIP
    """

    name = "BG/NBD"
    _words = "bgnbd"
    _simulator = staticmethod(purchases.bg_nbd)


class ModifiedBGNBD(_PoissonPurchases):
    """The MBG/NBD model: as BG/NBD, with a chance of dropout after the first purchase too.

    References
    ----------
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison of models for
    customer base analysis. International Journal of Research in Marketing 24, 201–209.
    https://doi.org/10.1016/j.ijresmar.2006.12.005
    """

    name = "MBG/NBD"
    flips_at_start = 1
    many_tops = True
    _shapes = SHAPES_WITH_DROPOUT_AT_START
    _words = "mbgnbd"
    _simulator = staticmethod(purchases.mbg_nbd)


def while_active(t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """E[(1 − e^(−λpt)) / p], λ ~ Gamma(r, alpha), p ~ Beta(a, b): purchases in t of a customer active at 0.

    Equal to Fader, Hardie & Lee (2005), equation 9, and finite for every a, a = 1 too, where their
    hypergeometric form divides by zero.
    """
    reach = t / alpha

    def relative(p, rows):
        return _relative(p * reach[rows, None], r[rows, None])[0]

    return r * reach * beta_mean(relative, a, b, _turning(r, reach))


def _staying(t, r, alpha, a, b):
    """E[e^(−λpt)], λ ~ Gamma(r, alpha), p ~ Beta(a, b): chance of a customer active at 0 to be so at t."""
    reach = t / alpha

    def stays(p, rows):
        return np.exp(-r[rows, None] * np.log1p(p * reach[rows, None]))

    return beta_mean(stays, a, b, _turning(r, reach))


def _while_active_slopes(t, r, alpha, a, b):
    """`while_active` and its derivatives in r, alpha, a and b: shape (n, 5)."""
    reach = t / alpha

    def relative(p, rows):
        own, q = r[rows, None], p * reach[rows, None]
        value, falling = _relative(q, own)
        log = np.log1p(q)
        in_r = falling * np.where(q > 0, log / np.where(q > 0, q, 1.0), 1.0)
        return np.stack([value, in_r, falling / (1.0 + q)])

    value, in_r, in_alpha, in_a, in_b = beta_mean(relative, a, b, _turning(r, reach), slopes=True)
    both = r * reach
    return np.stack([both * value, reach * in_r, -both / alpha * in_alpha, both * in_a, both * in_b], axis=1)


def _relative(q, r):
    """(1 − (1 + q)^−r) / (r·q), 1 at q = 0, and (1 + q)^−r."""
    y = r * np.log1p(q)
    slope = r * q
    return np.where(slope > 0, -np.expm1(-y) / np.where(slope > 0, slope, 1.0), 1.0), np.exp(-y)


def _turning(r, reach):
    """The probability of dropping out from which on it bends what is expected."""
    return 1.0 / np.maximum((r + 1.0) * reach, 1e-300)


def _discounted(rate, r, alpha, a, b):
    """E[λ / (rate + λp)]: all future purchases of a customer active now, discounted continuously."""

    def relative(p, rows):
        y = (rate * alpha)[rows, None] / p
        return y * discounted_power(y, np.broadcast_to(r[rows, None] + 1.0, y.shape))

    return r / (alpha * rate) * beta_mean(relative, a, b, rate * alpha / (r + 1.0))
