"""Where customers come from and how long they stay: spending by region, records with late entry, adoption."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from crmlab.errors import InputError
from crmlab.mechanisms.counts import binomial_counts

CELLS = np.array([0.0, 0.5, 1.0, 2.0, 4.0])  # spend, in multiples of today's


@dataclass(frozen=True)
class Response:
    """A share that rises with spend toward a ceiling (Blattberg & Deighton 1996).

    Attributes
    ----------
    base : float
        Share who come, or stay, unasked.
    ceiling : float
        Share at endless spend.
    rate : float
        Per dollar a head.
    """

    base: float
    ceiling: float
    rate: float

    def share(self, spend: np.ndarray | float) -> np.ndarray | float:
        """Share at a spend, dollars a head."""
        return self.base + self.added(spend)

    def added(self, spend: np.ndarray | float) -> np.ndarray | float:
        """What spending adds to the share."""
        return (self.ceiling - self.base) * -np.expm1(-self.rate * np.asarray(spend))

    def marginal(self, spend: np.ndarray | float) -> np.ndarray | float:
        """What the next dollar a head adds to the share."""
        return (self.ceiling - self.base) * self.rate * np.exp(-self.rate * np.asarray(spend))

    def spend_at(self, worth: float, marginal: float) -> float:
        """Spend a head at which the next dollar brings `marginal` dollars; 0 where the first brings less."""
        steepest = worth * (self.ceiling - self.base) * self.rate
        return max(np.log(steepest / marginal) / self.rate, 0.0) if steepest > 0 else 0.0


def best_split(
    budget: float, responses: tuple[Response, Response], worth: tuple[float, float], heads: tuple[int, int]
) -> tuple[float, float]:
    """Spends a head that share a budget best: the next dollar brings the same on both sides.

    Parameters
    ----------
    budget : float
        Dollars, above 0.
    responses : pair of Response
    worth : pair of float
        Dollars that one more won, and one more kept, is worth.
    heads : pair of int
        Prospects and customers on whom money is spent.

    Returns
    -------
    pair of float
        Dollars a head. Profit is concave in both, so equal marginal returns, or 0 on the side whose first
        dollar brings less, are the maximum.
    """
    if budget <= 0:
        raise InputError(f"budget is {budget}; give one above 0")

    def spends(log_marginal: float) -> tuple[float, float]:
        found = [each.spend_at(v, np.exp(log_marginal)) for each, v in zip(responses, worth, strict=True)]
        return found[0], found[1]

    def excess(log_marginal: float) -> float:
        return sum(each * head for each, head in zip(spends(log_marginal), heads, strict=True)) - budget

    steepest = max(v * float(each.marginal(0.0)) for each, v in zip(responses, worth, strict=True))
    return spends(brentq(excess, np.log(steepest) - 700.0, np.log(steepest), xtol=1e-13, rtol=1e-13))


def by_lot(cells: int, rng: np.random.Generator) -> np.ndarray:
    """Each cell of `CELLS` for as many units as any other, in an order by lot: shape (..., cells)."""
    return CELLS[rng.random(cells).argsort(-1).argsort(-1) % len(CELLS)]


@dataclass(frozen=True)
class Records:
    """Customers joined over `span` months; records begin `kept` months before the end and hold who is left.

    Attributes
    ----------
    scale, shape : float
        Cumulative hazard at tenure t of who was not referred, ``scale · t**shape / shape``.
    ratio : float
        Log hazard ratio of the referred.
    trend : float
        By how much the logit of being referred falls with one standard deviation of the joining month.
    """

    scale: float
    shape: float
    ratio: float
    trend: float
    span: float = 96.0
    kept: float = 36.0

    def hazard(self, tenure: np.ndarray, referred: np.ndarray | float) -> np.ndarray:
        """Cumulative hazard."""
        return self.scale * tenure**self.shape / self.shape * np.exp(self.ratio * referred)

    def draw(self, customers: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Customers of the records: joining month, referred, tenure when records begin and when they end.

        Who left before the records began is in none. The joining month is drawn by inversion from its
        distribution among those who did not, on a grid of a hundredth of a month.
        """
        month = np.linspace(0.0, self.span, round(self.span * 100) + 1)
        entry = np.maximum(self.span - self.kept - month, 0.0)
        by_state = self._joining(month) * [np.exp(-self.hazard(entry, state)) for state in (0.0, 1.0)]
        density = by_state.sum(0)
        below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
        joined = np.interp(rng.random(customers), below / below[-1], month)
        referred = (rng.random(customers) < np.interp(joined, month, by_state[1] / density)) * 1.0
        entered = np.maximum(self.span - self.kept - joined, 0.0)
        reached = self.hazard(entered, referred) + rng.standard_exponential(customers)
        stays = (reached * self.shape / self.scale * np.exp(-self.ratio * referred)) ** (1 / self.shape)
        end = self.span - joined
        return {
            "joined": joined,
            "referred": referred,
            "tenure_at_entry": entered,
            "tenure": np.minimum(stays, end),
            "left": (stays < end) * 1.0,
        }

    def _joining(self, month):
        """Chances of not being referred and of being so, by joining month: shape (2, months)."""
        late = (month - self.span / 2) / (self.span / np.sqrt(12))
        referred = expit(-0.6 - self.trend * late)
        return np.stack([1 - referred, referred])


def recommenders(
    customers: int, leaving: float, recommending: float, ratio: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Customers from their first month on: whether and when they recommended, and when they left.

    Parameters
    ----------
    customers : int
    leaving, recommending : float
        Hazards a month.
    ratio : float
        By how much the log hazard of leaving changes with the recommendation.
    rng : numpy Generator

    Returns
    -------
    dict of str to array of shape (..., customers)
        ``recommended_after`` is the month of the recommendation, that of leaving where there was none.
    """
    recommends = rng.standard_exponential(customers) / recommending
    bears = rng.standard_exponential(customers) / leaving  # when one would leave without recommending
    months = np.where(bears < recommends, bears, recommends + (bears - recommends) * np.exp(-ratio))
    tenure = np.minimum(months, 36.0)
    return {
        "recommended": (recommends < tenure) * 1.0,
        "recommended_after": np.minimum(recommends, tenure),
        "tenure": tenure,
        "left": (months < 36.0) * 1.0,
    }


def adoption(
    cities: int,
    people: int,
    months: int,
    chance: Callable[[np.ndarray, np.ndarray], np.ndarray],
    shock: float,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Adoption by city and month, while advertising ramps up in each city at its own speed.

    Parameters
    ----------
    cities, people, months : int
        People are those of one city.
    chance : callable
        Share of adopters so far and advertising to the chance that one of the others adopts this month.
    shock : float
        A city-month's chance is multiplied by something uniform from ``1 - shock`` to ``1 + shock``.
    rng : numpy Generator

    Returns
    -------
    dict of str to array of shape (..., cities · months)
        A row a city and month; ``left`` counts people who have not adopted at its beginning, `share` the
        others', `ads` is 1 in the tenth month of an ordinary city.
    """
    speed, rows = 0.5 + rng.random(cities), []
    adopted = np.zeros(speed.shape)
    for month in range(1, months + 1):
        ads = month / 10 * speed * (0.7 + 0.6 * rng.random(cities))
        left, share = people - adopted, adopted / people
        hazard = chance(share, ads) * (1 + shock * (2 * rng.random(cities) - 1))
        adopters = binomial_counts(left, hazard, rng.random(cities))
        rows.append({"left": left, "share": share, "ads": ads, "adopters": adopters})
        adopted = adopted + adopters
    table = {name: np.stack([row[name] for row in rows], axis=-1) for name in rows[0]}
    flat = {name: each.reshape(*each.shape[:-2], -1) for name, each in table.items()}
    number, month = np.repeat(np.arange(cities), months), np.tile(np.arange(1, months + 1), cities)
    return {"city": number, "month": month, **flat}
