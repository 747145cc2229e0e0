"""In which markets a number that somebody claims is so: the share of them, and the map.

Markets are drawn evenly from the ranges of a quantity's parameters by scrambled Sobol points (Owen 1995), in
several scrambles whose spread gives the error of every share.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import qmc

from crmlab.claims.quantities import QUANTITIES, Quantity, Range
from crmlab.errors import InputError, check_known
from crmlab.words import words

SCRAMBLES = 8
POINTS = 4096
LIMITS = (256, 1 << 20)
BINS = 8  # of a map, each way

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class QuantitativeClaim:
    """A number that is claimed: a quantity between two values.

    Attributes
    ----------
    name : str
        As it is typed.
    quantity : str
        One of `QUANTITIES`.
    low, high : float
        The claim holds where the quantity is at least `low` and at most `high`.
    quote, source : str
        What the source says, verbatim, and which source; empty where the claim is a user's.
    reading : str
        How we read it, in plain words.
    """

    name: str
    quantity: str
    low: float = -np.inf
    high: float = np.inf
    quote: str = ""
    source: str = ""
    reading: str = ""

    def __post_init__(self) -> None:
        check_known("quantity", [self.quantity], QUANTITIES)
        if np.isnan(self.low) or np.isnan(self.high) or self.low > self.high:
            raise InputError(
                f"claim {self.name!r}: {self.low} to {self.high} holds nothing; give low, then high"
            )

    def holds(self, values: Floats) -> NDArray[np.bool_]:
        """Whether it is so, for each value; never where there is none."""
        return (values >= self.low) & (values <= self.high)


@dataclass(frozen=True)
class Audit:
    """What a claim came to over a region of markets.

    Attributes
    ----------
    claim : QuantitativeClaim
    quantity : Quantity
    ranges : mapping of str to Range
        The region.
    markets : DataFrame
        One row a market: its parameters, ``value``, ``holds`` and ``scramble``.
    """

    claim: QuantitativeClaim
    quantity: Quantity
    ranges: Mapping[str, Range]
    markets: pd.DataFrame = field(repr=False)

    @property
    def possible(self) -> pd.DataFrame:
        """The markets whose parameters are possible together."""
        return self.markets[self.markets["value"].notna()]

    @property
    def share(self) -> float:
        """Share of the possible markets in which the claim holds."""
        return float(self.possible["holds"].mean())

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of `share`, from the scrambles."""
        return float(self.possible.groupby("scramble")["holds"].mean().sem())

    @property
    def below(self) -> float:
        """Share of the possible markets whose value is below what is claimed."""
        return float((self.possible["value"] < self.claim.low).mean())

    @property
    def above(self) -> float:
        """Share of the possible markets whose value is above what is claimed."""
        return float((self.possible["value"] > self.claim.high).mean())

    @property
    def impossible(self) -> float:
        """Share of the region whose parameters are impossible together; it counts in no other share."""
        return 1 - len(self.possible) / len(self.markets)

    def quantiles(self, at: tuple[float, ...] = (0.05, 0.5, 0.95)) -> list[float]:
        """Values of the quantity that these shares of the possible markets stay below."""
        return [float(each) for each in self.possible["value"].quantile(list(at))]

    def cells(self, over: tuple[str, str] | None = None, bins: int = BINS) -> tuple[Floats, Floats, Floats]:
        """The map: the share holding by two parameters.

        Returns
        -------
        shares : array, shape (bins, bins)
            A row for each value of the second parameter, from low to high; ``nan`` where no market lies.
        across, up : arrays, shape (bins,)
            Middles of the bins of the first and the second parameter.
        """
        over = over or self.quantity.map
        places = [_place(self.possible[name].to_numpy(), self.ranges[name], bins) for name in over]
        table = self.possible.groupby([places[1], places[0]])["holds"].mean().unstack()
        middles = [self.ranges[name].at((np.arange(bins) + 0.5) / bins) for name in over]
        return table.reindex(index=range(bins), columns=range(bins)).to_numpy(), middles[0], middles[1]

    def __str__(self) -> str:
        low, middle, high = (self.written(each) for each in self.quantiles())
        return words(
            "claims.audit",
            name=self.claim.name,
            about=self.quantity.about,
            claimed=self.interval(),
            share=self.share,
            error=self.error,
            below=self.below,
            above=self.above,
            low=low,
            middle=middle,
            high=high,
        )

    def interval(self) -> str:
        """What is claimed, as text: ``75% to 85%``, ``at least 80%``."""
        low, high = self.written(self.claim.low), self.written(self.claim.high)
        if np.isinf(self.claim.low):
            return words("claims.at_most", high=high)
        if np.isinf(self.claim.high):
            return words("claims.at_least", low=low)
        return words("claims.between", low=low, high=high)

    def written(self, value: float) -> str:
        """A value with the quantity's unit."""
        return f"{value:.3g}" if not self.quantity.percent else f"{100 * value:.3g}%"


def audit(
    claim: QuantitativeClaim,
    ranges: Mapping[str, Range] | None = None,
    *,
    points: int = POINTS,
    seed: int = 1,
) -> Audit:
    """Map where a claim holds.

    Parameters
    ----------
    claim : QuantitativeClaim
        One of `crmlab.claims.CLAIMS`, or one's own.
    ranges : mapping of str to Range, optional
        In place of the usual range of these parameters; a range whose ends are equal fixes one.
    points : int
        Markets, a power of two, 256 to 1,048,576.
    seed : int

    Raises
    ------
    InputError
        If a range's parameter is none of the quantity's, `points` is no such number, or the parameters of
        every market drawn are impossible together.
    """
    quantity = QUANTITIES[claim.quantity]
    region = _region(quantity.ranges, ranges or {})
    markets = draw(region, points, seed)
    values = quantity.value({name: markets[name].to_numpy() for name in region})
    if np.isnan(values).all():
        given = ", ".join(f"{name} from {one.low:g} to {one.high:g}" for name, one in region.items())
        raise InputError(f"ranges leave no market that is possible: {given}")
    return Audit(claim, quantity, region, markets.assign(value=values, holds=claim.holds(values)))


def draw(region: Mapping[str, Range], points: int = POINTS, seed: int = 1) -> pd.DataFrame:
    """Markets spread evenly over a region: one column a parameter, and ``scramble``."""
    low, high = LIMITS
    if not low <= points <= high or points & (points - 1):
        raise InputError(f"points must be a power of two from {low} to {high:,}; it is {points}")
    each = points // SCRAMBLES
    streams = np.random.default_rng(seed).spawn(SCRAMBLES)
    drawn = [qmc.Sobol(len(region), seed=stream).random(each) for stream in streams]
    places = np.concatenate(drawn)
    frame = pd.DataFrame({name: one.at(places[:, at]) for at, (name, one) in enumerate(region.items())})
    return frame.assign(scramble=np.repeat(np.arange(SCRAMBLES), each))


def both(
    first: QuantitativeClaim,
    second: QuantitativeClaim,
    ranges: Mapping[str, Range] | None = None,
    *,
    points: int = POINTS,
    seed: int = 1,
) -> pd.Series:
    """In what share of markets two claims hold together.

    The region is that of both quantities' parameters; those that they share are drawn once.

    Returns
    -------
    Series
        ``first``, ``second``, ``both`` (shares of the markets that are possible for both), ``error`` of
        ``both``, and ``expected``: what ``both`` would be if they had nothing to do with each other.
    """
    quantities = [QUANTITIES[each.quantity] for each in (first, second)]
    usual: dict[str, Range] = {**quantities[1].ranges, **quantities[0].ranges}
    markets = draw(_region(usual, ranges or {}), points, seed)
    values = [each.value(_columns(markets, each)) for each in quantities]
    possible = np.isfinite(values[0]) & np.isfinite(values[1])
    held = [claim.holds(value)[possible] for claim, value in zip((first, second), values, strict=True)]
    together = pd.Series(held[0] & held[1]).groupby(markets["scramble"].to_numpy()[possible]).mean()
    return pd.Series(
        {
            "first": held[0].mean(),
            "second": held[1].mean(),
            "both": (held[0] & held[1]).mean(),
            "error": together.sem(),
            "expected": held[0].mean() * held[1].mean(),
        }
    )


def _columns(markets: pd.DataFrame, quantity: Quantity) -> dict[str, Floats]:
    return {name: markets[name].to_numpy() for name in quantity.ranges}


def _place(values: Floats, one: Range, bins: int) -> NDArray[np.intp]:
    """In which bin of a range values lie, from 0; all in the middle one where the range is a point."""
    if one.low == one.high:
        return np.full(values.shape, bins // 2, dtype=np.intp)
    return np.clip(np.searchsorted(one.at(np.arange(1, bins) / bins), values), 0, bins - 1)


def _region(usual: Mapping[str, Range], ranges: Mapping[str, Range]) -> dict[str, Range]:
    check_known("parameter", list(ranges), usual)
    return {name: ranges.get(name, range_) for name, range_ in usual.items()}
