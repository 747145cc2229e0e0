"""What repeated simulation says about a design: bias, power or size, coverage, each with its own error.

Terms and Monte-Carlo standard errors follow Morris, White & Crowther (2019), doi:10.1002/sim.8086; the
type S error is Gelman & Carlin's (2014), doi:10.1177/1745691614551642.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab.design import diagnosands
from crmlab.design.calibration import confidence_ranks
from crmlab.design.diagnosands import DEFAULT, Group, check_own, measure
from crmlab.design.estimate import Estimate
from crmlab.design.multiplicity import familywise
from crmlab.design.simulating import simulated
from crmlab.design.streams import Seed, seed_tuple
from crmlab.errors import InputError, check_known
from crmlab.words import words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crmlab.design.design import Design

COLUMNS = {  # of a diagnosis, so no name for what is varied
    "hypothesis",
    "estimator",
    "simulation",
    "sims",
    "estimand",
    "estimate",
    "standard_error",
    "low",
    "high",
    "p_value",
    "rejected",
    "covered",
    "failure",
    "refused",
    "failures",
    *(name + end for name in diagnosands.BUILT_IN for end in ("", "_mcse")),
}
PILOT = 200  # simulations from which the number that a Monte-Carlo error needs is worked out
MOST_SIMS = 1_000_000


@dataclass(frozen=True)
class Diagnosis:
    """The result of ``design.diagnose()``.

    Attributes
    ----------
    simulations : DataFrame
        One row a simulation, hypothesis and estimator: estimate, standard_error, low, high, p_value,
        estimand, rejected, covered, ``failure`` (why a fit failed, else empty) and ``refused`` (whether it
        failed because the estimator refused its input).
    sims, seed : int
    by : list of str
        What was varied: ``["preset"]`` or parameter names.
    """

    simulations: pd.DataFrame = field(repr=False)
    hypotheses: dict = field(repr=False)
    sims: int
    seed: Seed
    by: list
    designs: list = field(repr=False, default_factory=list)
    own: dict[str, diagnosands.Own] = field(repr=False, default_factory=dict)

    @property
    def table(self) -> pd.DataFrame:
        """One row a hypothesis, estimator and point: the columns that most readers want, and one's own.

        See `full` for what they mean and for the others.
        """
        shown = ["mean_estimate"] + [name + end for name in (*DEFAULT, *self.own) for end in ("", "_mcse")]
        return self.full[["hypothesis", "estimator", *self.by, "sims", "estimand", *shown, "failures"]]

    @cached_property
    def full(self) -> pd.DataFrame:
        """One row a hypothesis, estimator and point, in the order they were declared, with every diagnosand.

        ``rejection_rate`` is power where the claim is true and size where it is false: the share of all
        simulations in which the null was rejected in the claim's direction. ``coverage`` is the share whose
        95% interval held the estimand. A failed fit rejects nothing and covers nothing; ``failures``
        counts them. `crmlab.design.diagnosands` says what each of the others is. ``_mcse`` columns are
        Monte-Carlo standard errors.
        """
        keys = ["hypothesis", "estimator", *self.by]
        groups = dict(list(self.simulations.groupby(keys, sort=False, observed=True)))
        rows = []
        for key, group in groups.items():
            hypothesis = self.hypotheses[key[0]]
            headline = groups.get((key[0], hypothesis.headline, *key[2:]), group)
            found = measure(Group(group, hypothesis.null, headline), self.own)
            counted = {"sims": len(group), "estimand": group["estimand"].iloc[0]}
            rows.append(
                dict(zip(keys, key, strict=True))
                | counted
                | found
                | {"failures": int((group["failure"] != "").sum())}
            )
        return pd.DataFrame(rows)

    def familywise(self, correction: str = "none") -> pd.DataFrame:
        """How often at least one false claim is supported; see `crmlab.design.multiplicity.familywise`."""
        return familywise(self.simulations, self.hypotheses, self.by, correction)

    def ranks(self, hypothesis: str, estimator: str | None = None, **at) -> np.ndarray:
        """Where the truth fell in each simulation's confidence distribution, 0 to 1: uniform if it is sound.

        Returns
        -------
        array of shape (simulations that gave an answer,)
            See `crmlab.design.calibration.confidence_ranks`.
        """
        return confidence_ranks(self._rows(hypothesis, estimator, at))

    def replay(self, hypothesis: str, simulation: int, estimator: str | None = None, **at) -> Replay:
        """One simulation again: its cohort, and the estimate or the error that it ended in.

        Parameters
        ----------
        hypothesis : str
        simulation : int
            Its number in `simulations`.
        estimator : str, optional
            The headline if none is named.
        **at
            The point, by what was varied: ``replay("H1b", 17, preset="null")``.
        """
        rows = self._rows(hypothesis, estimator, at)
        if simulation not in set(rows["simulation"]):
            raise InputError(f"simulation is {simulation!r}; the diagnosis has 0 to {self.sims - 1}")
        point = {name: rows[name].iloc[0] for name in self.by}
        design = next(design for there, design in self.designs if there == point)
        cohort = design.simulate((*seed_tuple(self.seed), simulation))
        fit = self.hypotheses[hypothesis].estimators[estimator or self.hypotheses[hypothesis].headline]
        try:
            return Replay(cohort, fit(cohort.tables), None)
        except Exception as error:
            return Replay(cohort, None, error)

    def _rows(self, hypothesis, estimator, at) -> pd.DataFrame:
        """The simulations of one test at one point."""
        check_known("hypothesis", [hypothesis], self.hypotheses)
        check_known("varied name", at, self.by)
        estimator = estimator or self.hypotheses[hypothesis].headline
        check_known("estimator", [estimator], self.hypotheses[hypothesis].estimators)
        rows = self.simulations
        rows = rows[(rows["hypothesis"] == hypothesis) & (rows["estimator"] == estimator)]
        for name, value in at.items():
            rows = rows[rows[name] == value]
        points = rows[self.by].drop_duplicates()
        if len(points) != 1:
            raise InputError(
                f"{hypothesis}, {estimator}, {at} picks {len(points)} points of the diagnosis; "
                f"varied: {', '.join(self.by)}"
            )
        return rows

    @property
    def failures(self) -> pd.DataFrame:
        """Why fits failed: one row a hypothesis, estimator, point and reason, with a count."""
        failed = self.simulations[self.simulations["failure"] != ""]
        keys = ["hypothesis", "estimator", *self.by, "failure"]
        return failed.groupby(keys, sort=False, observed=True).size().rename("count").reset_index()

    def row(self, hypothesis: str, estimator: str | None = None, **at: Any) -> pd.Series:
        """One row of the table, a Series: ``row("H1", "naive", preset="trap")``; else the headline's."""
        check_known("hypothesis", [hypothesis], self.hypotheses)
        check_known("varied name", at, self.by)
        estimator = estimator or self.hypotheses[hypothesis].headline
        table = self.full
        chosen = table[(table["hypothesis"] == hypothesis) & (table["estimator"] == estimator)]
        for name, value in at.items():
            chosen = chosen[chosen[name] == value]
        if len(chosen) != 1:
            raise InputError(
                f"{hypothesis}, {estimator}, {at} picks {len(chosen)} rows of the diagnosis; "
                f"varied: {', '.join(self.by)}"
            )
        return chosen.iloc[0]

    def summary(self, digits: int = 3, columns: Sequence[str] = DEFAULT) -> pd.DataFrame:
        """The table rounded for reading, each figure as ``0.948 (0.010)`` with its Monte-Carlo error.

        Parameters
        ----------
        digits : int
        columns : sequence of str
            Which diagnosands: names of `crmlab.design.diagnosands.BUILT_IN`, or of your own.
        """
        check_known("column", columns, [*diagnosands.BUILT_IN, *self.own])
        table = self.full
        shown = table[["hypothesis", "estimator", *self.by]].copy()
        shown["estimand"] = table["estimand"].map(lambda value: f"{value:.{digits}f}")
        for name in columns:
            shown[name] = [
                _bracketed(value, error, digits)
                for value, error in zip(table[name], table[f"{name}_mcse"], strict=True)
            ]
        shown["failures"] = table["failures"]
        return shown

    def plot(self, **options: Any) -> Figure:
        """Draw it; see `crmlab.plots.diagnosis_plot`."""
        from crmlab.plots.diagnosis import diagnosis_plot  # drawing is paid for only by those who draw

        return diagnosis_plot(self, **options)

    def __repr__(self):
        head = words("design.diagnosis", sims=self.sims, seed=self.seed)
        with pd.option_context("display.width", 160, "display.max_columns", None):
            body = self.summary().to_string(index=False)
        failed = self.failures
        tail = "" if failed.empty else "\n" + words("design.failed") + "\n" + failed.to_string(index=False)
        return f"{head}\n{body}{tail}"

    def _repr_html_(self):
        failed = self.failures
        tail = "" if failed.empty else f"<p>{words('design.failed')}</p>{failed.to_html(index=False)}"
        head = words("design.diagnosis", sims=self.sims, seed=self.seed)
        return f"<p>{head}</p>{self.summary().to_html(index=False)}{tail}"


@dataclass(frozen=True)
class Replay:
    """One simulation again.

    Attributes
    ----------
    cohort : Cohort
    estimate : Estimate or None
    error : Exception or None
        What the fit raised, with its traceback.
    """

    cohort: object = field(repr=False)
    estimate: Estimate | None
    error: Exception | None


def _bracketed(value: float, error: float, digits: int) -> str:
    if np.isnan(value):
        return words("design.none")
    shown = f"{round(value, digits) + 0.0:.{digits}f}"
    return shown if np.isnan(error) else f"{shown} ({error:.{digits}f})"


def diagnose(
    points: Sequence[tuple[dict[str, Any], Design]],
    sims: int | str,
    seed: Seed,
    jobs: int | None,
    progress: bool | None,
    own: Mapping[str, diagnosands.Own] | None = None,
) -> Diagnosis:
    """Simulate and estimate at every point; see `Design.diagnose`.

    Parameters
    ----------
    points : sequence of (dict, Design)
        What was varied, and the design there.
    """
    error = _wanted_error(sims)
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int | np.integer) or jobs == 0):
        raise InputError(f"jobs is {jobs!r}; give a number of processes, or -1 for all cores")
    own = check_own(own, COLUMNS)
    hypotheses = {each.name: each for _, design in points for each in design.hypotheses}

    def described(simulations, count):
        return Diagnosis(simulations, hypotheses, count, seed, list(points[0][0]), list(points), own)

    count = PILOT if error else int(sims)
    simulations = simulated(points, range(count), seed, jobs, progress)
    _tell_of_total_failure(simulations)
    while error and (needed := _needed(described(simulations, count), error)) > count:
        more = simulated(points, range(count, needed), seed, jobs, progress)
        simulations, count = pd.concat([simulations, more], ignore_index=True), needed
    return described(simulations, count)


def _wanted_error(sims) -> float | None:
    """The Monte-Carlo error that ``sims="mcse=0.005"`` asks for; None where sims is a number."""
    if isinstance(sims, str) and (asked := re.fullmatch(r"mcse\s*=\s*(0?\.\d+)", sims.strip())):
        error = float(asked[1])
        if 0.25 / max(error, 1e-12) ** 2 <= MOST_SIMS:
            return error
        raise InputError(
            f"sims is {sims!r}, which may take {0.25 / error**2 if error else np.inf:,.0f} "
            f"simulations; ask for a Monte-Carlo error of {0.5 / MOST_SIMS**0.5} or more"
        )
    if isinstance(sims, bool) or not isinstance(sims, int | np.integer) or sims < 2:
        raise InputError(
            f"sims is {sims!r}; give a whole number of simulations, 2 or more, or 'mcse=0.005' for as many "
            "as bring the Monte-Carlo error of every rejection rate and coverage to that"
        )
    return None


def _needed(diagnosis: Diagnosis, error: float) -> int:
    """Simulations after which every rejection rate and coverage has that Monte-Carlo error.

    A share of 0 or 1 has no error by the usual formula; it is taken to be half a simulation off.
    """
    table = diagnosis.full
    shares = table[["rejection_rate", "coverage"]].to_numpy()
    least = 0.5 / diagnosis.sims
    shares = np.clip(shares, least, 1 - least)
    worst = shares.flat[np.abs(shares - 0.5).argmin()]
    return needed_simulations(float(worst), error)


def needed_simulations(share: float, error: float) -> int:
    """Simulations after which a share has that Monte-Carlo standard error: ``p(1 − p)/error²``."""
    return ceil(share * (1 - share) / error**2 - 1e-9)


def _tell_of_total_failure(simulations):
    """A fit that cannot be is bad input and refused; one that never came off gets a warning."""
    for (hypothesis, estimator), group in simulations.groupby(["hypothesis", "estimator"], sort=False):
        if (group["failure"] != "").all():
            reason = Counter(group["failure"]).most_common(1)[0][0]
            if group["refused"].all():
                raise InputError(f"{hypothesis} {estimator}: {reason}")
            warnings.warn(f"{hypothesis} {estimator}: every fit failed ({reason})", stacklevel=4)
