"""Satisfaction as what was expected and by how much it was surpassed, once and over a panel's waves.

``S = level + β_E E + β⁺ [D]₊ - β⁻ [-D]₊`` with the surprise ``D = P - E``, of an expectation E and an
experience P. Expectations run after experience: ``E' = E + α (P + o - E) + shock``, where o is how much a
customer always expects above what comes.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.special import ndtr

from crmlab.mechanisms.normal import nodes_beside, normal_nodes

Array = np.ndarray


@dataclass(frozen=True)
class Disconfirmation:
    """What satisfaction adds up, before its error.

    Parameters
    ----------
    level : float
        Without expectation and surprise.
    expectation, gain, loss : float
        β_E, β⁺ and β⁻: what a unit of expectation, of good and of bad surprise adds.
    """

    level: float
    expectation: float
    gain: float
    loss: float

    def index(self, expectation: Array, surprise: Array) -> Array:
        """Satisfaction of customers with this expectation and surprise."""
        return (
            self.level
            + self.expectation * expectation
            + self.gain * np.maximum(surprise, 0)
            + self.loss * np.minimum(surprise, 0)
        )

    def slope(self, surprise: Array) -> Array:
        """What a unit of surprise adds, on either side of 0."""
        return np.where(np.asarray(surprise) > 0, self.gain, self.loss)

    def mean_worth(self, mean: float, spread: float) -> float:
        """Mean of what surprises add, where they are normal with this mean and standard deviation."""
        density = np.exp(-0.5 * (mean / spread) ** 2) / sqrt(2 * np.pi)
        good = mean * float(ndtr(mean / spread)) + spread * density
        return self.gain * good + self.loss * (mean - good)


@dataclass(frozen=True)
class Disconfirmed:
    """Customers whose expectation and experience are normal with variance 1, and what is true of them.

    Parameters
    ----------
    satisfaction : Disconfirmation
        In standard deviations of its error.
    promise : float
        Mean of the expectation; that of the experience is 0.
    agreement : float
        Correlation of expectation and experience.
    """

    satisfaction: Disconfirmation
    promise: float
    agreement: float

    @property
    def surprise(self) -> tuple[float, float]:
        """Mean and standard deviation of D."""
        return -self.promise, sqrt(2 - 2 * self.agreement)

    @property
    def share_disappointed(self) -> float:
        """Share of customers for whom less came than they expected."""
        mean, spread = self.surprise
        return float(ndtr(-mean / spread))

    @property
    def slope_of_surprise(self) -> float:
        """What a standard deviation of surprise adds on average, *expectation* held."""
        gain, loss = self.satisfaction.gain, self.satisfaction.loss
        return gain + (loss - gain) * self.share_disappointed

    @property
    def slope_of_expectation(self) -> float:
        """What a standard deviation of expectation adds on average, *experience* held."""
        return self.satisfaction.expectation - self.slope_of_surprise

    @cached_property
    def grid(self) -> tuple[Array, Array, Array]:
        """Nodes of expectation and surprise with their weights.

        In D on both sides of the kink at 0, then in E given D.
        """
        mean, spread = self.surprise
        surprise, weight = nodes_beside(0.0, mean, spread)
        z, mass = normal_nodes(40)
        rest = sqrt(1 - spread**2 / 4)  # Cov(E, D) = -spread² / 2
        expectation = self.promise - (surprise[:, None] - mean) / 2 + rest * z
        return expectation.ravel(), np.repeat(surprise, len(z)), np.outer(weight, mass).ravel()

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of satisfaction, its error included."""
        expectation, surprise, weight = self.grid
        index = self.satisfaction.index(expectation, surprise)
        mean = float(weight @ index)
        return mean, sqrt(float(weight @ (index - mean) ** 2) + 1)

    @property
    def expectation_and_satisfaction(self) -> float:
        """Correlation of E and S, all else as it falls; by Stein's lemma from the two slopes."""
        together = self.slope_of_surprise * self.agreement + self.slope_of_expectation
        return together / self.moments[1]


@dataclass(frozen=True)
class ServedPanel:
    """Customers followed over waves, of whom half, by lot, are served better from the second wave on.

    Parameters
    ----------
    satisfaction : Disconfirmation
    waves : int
        Numbered from 0.
    step : float
        By how much the service of the treated improves. Customers' usual experience has variance 1.
    adaptation : float
        α, the share of the surprise that expectation makes up until the next wave.
    promise : float
        By how much all expect more than comes, in the first wave.
    optimism : float
        Standard deviation of o, what customers always expect above what comes.
    shock : float
        Standard deviation by which an expectation moves for no reason seen.
    drift : float
        Change of everybody's answers from wave to wave.
    experience_noise, answer_noise : float
        Standard deviations of a wave's experience about the usual one, and of the error in an answer.
    """

    satisfaction: Disconfirmation
    waves: int
    step: float
    adaptation: float
    promise: float
    optimism: float
    shock: float
    drift: float = 0.0
    experience_noise: float = 0.4
    answer_noise: float = 0.5

    def draw(self, rng: np.random.Generator, rows: int) -> dict[str, Array]:
        """``treated``, and in each wave expectation before, experience and satisfaction after."""
        usual, optimism = rng.standard_normal(rows), self.optimism * rng.standard_normal(rows)
        treated = (rng.random(rows) < 0.5) * 1.0
        expectation = self.promise + usual + optimism + self.shock * rng.standard_normal(rows)
        table = {"treated": treated}
        for wave in range(self.waves):
            noise = self.experience_noise * rng.standard_normal(rows)
            experience = usual + self.step * treated * (wave > 0) + noise
            surprise = experience - expectation
            answer = self.satisfaction.index(expectation, surprise)
            answer = answer + self.answer_noise * rng.standard_normal(rows)
            table |= {
                f"expected_{wave}": expectation,
                f"experienced_{wave}": experience,
                f"surprise_{wave}": surprise,
                f"satisfied_{wave}": answer + self.drift * wave,
            }
            shock = self.shock * rng.standard_normal(rows)
            expectation = expectation + self.adaptation * (surprise + optimism) + shock
        return table

    def expectation_lift(self, wave: int) -> float:
        """How much more the treated expect than the others: ``step (1 - (1 - α)^(wave - 1))``."""
        return self.step * (1 - (1 - self.adaptation) ** max(wave - 1, 0))

    def satisfaction_lift(self, wave: int) -> float:
        """How much more satisfied the treated are than the others at a wave."""
        if wave == 0:
            return 0.0
        keep, noise = 1 - self.adaptation, (self.adaptation * self.experience_noise) ** 2
        restless = self.shock**2 * keep ** (2 * wave)
        for past in range(wave):
            restless += (self.shock**2 + noise) * keep ** (2 * past)
        spread = sqrt(self.experience_noise**2 + self.optimism**2 + restless)
        usual, more = -self.promise * keep**wave, self.expectation_lift(wave)
        served = self.satisfaction.mean_worth(usual + self.step - more, spread)
        return self.satisfaction.expectation * more + served - self.satisfaction.mean_worth(usual, spread)


def changes(panel: dict[str, Array], waves: int) -> dict[str, Array]:
    """A served panel in long form: surprises, and the changes of expectation that follow them."""
    rows = panel["treated"].shape[-1]
    surprise = [panel[f"surprise_{wave}"] for wave in range(waves - 1)]
    change = [panel[f"expected_{wave + 1}"] - panel[f"expected_{wave}"] for wave in range(waves - 1)]
    return {
        "customer": np.tile(np.arange(rows), waves - 1),
        "wave": np.repeat(np.arange(waves - 1), rows),
        "surprise": np.concatenate(surprise, axis=-1),
        "change": np.concatenate(change, axis=-1),
    }
