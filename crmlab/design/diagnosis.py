"""What repeated simulation says about a design: bias, power or size, coverage, each with its own error.

Terms and Monte-Carlo standard errors follow Morris, White & Crowther (2019), doi:10.1002/sim.8086; the
type S error is Gelman & Carlin's (2014), doi:10.1177/1745691614551642.
"""

import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from crmlab.design.estimate import Estimate
from crmlab.design.streams import BatchStreams, Streams, seed_tuple
from crmlab.errors import InputError, check_known
from crmlab.words import words

BATCH_NUMBERS = 400_000  # numbers a column of a batch may hold: what stays in a core's cache
RATES = ("rejection_rate", "coverage", "type_s")
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
    "failures",
    "mean_estimate",
    *(name + end for name in ("bias", "rmse", *RATES) for end in ("", "_mcse")),
}
SILENT_SECONDS = 1.0  # before a progress bar appears
REFUSED = "InputError: "
LOOPED_BLOCK = 25  # simulations of a task when each is run on its own: enough to hide the cost of sending it


@dataclass(frozen=True)
class Diagnosis:
    """The result of ``design.diagnose()``.

    Attributes
    ----------
    simulations : DataFrame
        One row a simulation, hypothesis and estimator: estimate, standard_error, low, high, p_value,
        estimand, rejected, covered, and ``failure`` (why a fit failed, else empty).
    sims, seed : int
    by : list of str
        What was varied: ``["preset"]`` or parameter names.
    """

    simulations: pd.DataFrame = field(repr=False)
    hypotheses: dict = field(repr=False)
    sims: int
    seed: object
    by: list

    @property
    def table(self):
        """One row a hypothesis, estimator and point, in the order they were declared.

        ``rejection_rate`` is power where the claim is true and size where it is false: the share of all
        simulations in which the null was rejected in the claim's direction. ``coverage`` is the share whose
        95% interval held the estimand. A failed fit rejects nothing and covers nothing; ``failures``
        counts them. ``type_s`` is the share with the wrong sign among the estimates whose interval
        excludes the null. ``_mcse`` columns are Monte-Carlo standard errors.
        """
        keys = ["hypothesis", "estimator", *self.by]
        groups = self.simulations.groupby(keys, sort=False, observed=True)
        rows = [dict(zip(keys, key)) | self._diagnosands(key[0], group) for key, group in groups]
        return pd.DataFrame(rows)

    def _diagnosands(self, hypothesis, group):
        estimand, null = group["estimand"].iloc[0], self.hypotheses[hypothesis].null
        done = group[group["failure"] == ""]
        error = done["estimate"].to_numpy() - estimand
        far = done[(done["low"] > null) | (done["high"] < null)]
        wrong = np.sign(far["estimate"] - null) != np.sign(estimand - null)
        count = len(error)
        spread = error.std(ddof=1) if count > 1 else np.nan
        mean_square = (error**2).mean() if count else np.nan
        root = np.sqrt(mean_square)
        return {
            "sims": len(group),
            "estimand": estimand,
            "mean_estimate": done["estimate"].mean(),
            "bias": error.mean() if count else np.nan,
            "bias_mcse": spread / np.sqrt(count) if count else np.nan,
            "rmse": root,
            "rmse_mcse": (error**2).std(ddof=1) / np.sqrt(count) / (2 * root)
            if count > 1 and root > 0
            else np.nan,
            **_rate("rejection_rate", group["rejected"]),
            **_rate("coverage", group["covered"]),
            **_rate("type_s", wrong[:0] if estimand == null else wrong),
            "failures": int(len(group) - count),
        }

    @property
    def failures(self):
        """Why fits failed: one row a hypothesis, estimator, point and reason, with a count."""
        failed = self.simulations[self.simulations["failure"] != ""]
        keys = ["hypothesis", "estimator", *self.by, "failure"]
        return failed.groupby(keys, sort=False, observed=True).size().rename("count").reset_index()

    def row(self, hypothesis, estimator=None, **at):
        """One row of the table, a Series: ``row("H1", "naive", preset="trap")``; else the headline's."""
        check_known("hypothesis", [hypothesis], self.hypotheses)
        check_known("varied name", at, self.by)
        estimator = estimator or self.hypotheses[hypothesis].headline
        table = self.table
        chosen = table[(table["hypothesis"] == hypothesis) & (table["estimator"] == estimator)]
        for name, value in at.items():
            chosen = chosen[chosen[name] == value]
        if len(chosen) != 1:
            raise InputError(
                f"{hypothesis}, {estimator}, {at} picks {len(chosen)} rows of the diagnosis; "
                f"varied: {', '.join(self.by)}"
            )
        return chosen.iloc[0]

    def summary(self, digits=3):
        """The table rounded for reading, each rate as ``0.948 (0.010)`` with its Monte-Carlo error."""
        table = self.table
        shown = table[["hypothesis", "estimator", *self.by]].copy()
        shown["estimand"] = table["estimand"].map(lambda value: f"{value:.{digits}f}")
        for name in ("bias", "rmse", *RATES):
            shown[name] = [
                words("design.none")
                if np.isnan(value)
                else f"{round(value, digits) + 0.0:.{digits}f} ({error:.{digits}f})"
                for value, error in zip(table[name], table[f"{name}_mcse"])
            ]
        shown["failures"] = table["failures"]
        return shown

    def plot(self, **options):
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


def _rate(name, flags):
    """A share and its Monte-Carlo standard error, NaN when there is nothing to share out."""
    count = len(flags)
    share = float(np.mean(flags)) if count else np.nan
    return {name: share, f"{name}_mcse": np.sqrt(share * (1 - share) / count) if count else np.nan}


def diagnose(points, sims, seed, jobs, progress):
    """Simulate and estimate at every point; see `Design.diagnose`.

    Parameters
    ----------
    points : sequence of (dict, Design)
        What was varied, and the design there.
    """
    if isinstance(sims, bool) or not isinstance(sims, (int, np.integer)) or sims < 2:
        raise InputError(f"sims is {sims!r}; give a whole number of simulations, 2 or more")
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, (int, np.integer)) or jobs == 0):
        raise InputError(f"jobs is {jobs!r}; give a number of processes, or -1 for all cores")
    root = seed_tuple(seed)
    tasks = [
        (at, design, block) for at, (_, design) in enumerate(points) for block in _blocks(design, int(sims))
    ]
    watched = sys.stderr.isatty() if progress is None else progress
    bar = tqdm(
        total=len(tasks),
        desc=words("design.diagnosing"),
        disable=not watched,
        delay=SILENT_SECONDS,
        leave=False,
    )
    with bar:
        workers = Parallel(n_jobs=jobs, return_as="generator")
        frames = []
        for at, frame in workers(delayed(_run_block)(at, design, root, block) for at, design, block in tasks):
            frames.append(frame.assign(**points[at][0]))
            bar.update()
    simulations = pd.concat(frames, ignore_index=True)
    hypotheses = {each.name: each for _, design in points for each in design.hypotheses}
    by = list(points[0][0])
    _tell_of_total_failure(simulations)
    return Diagnosis(simulations, hypotheses, int(sims), seed, by)


def _tell_of_total_failure(simulations):
    """A fit that cannot be is bad input and refused; one that never came off gets a warning."""
    for (hypothesis, estimator), group in simulations.groupby(["hypothesis", "estimator"], sort=False):
        if (group["failure"] != "").all():
            reason = Counter(group["failure"]).most_common(1)[0][0]
            if reason.startswith(REFUSED):
                raise InputError(f"{hypothesis} {estimator}: {reason.removeprefix(REFUSED)}")
            warnings.warn(f"{hypothesis} {estimator}: every fit failed ({reason})", stacklevel=4)


def _blocks(design, sims):
    """Ranges of simulations that one task runs."""
    if _in_one_pass(design):
        rows = getattr(design.parameters, "n_customers", 1000)
        size = int(np.clip(BATCH_NUMBERS // rows, 1, 500))
    else:
        size = LOOPED_BLOCK
    return [range(start, min(start + size, sims)) for start in range(0, sims, size)]


def _in_one_pass(design):
    return design.batched and any(
        hasattr(estimator, "batch") for each in design.hypotheses for estimator in each.estimators.values()
    )


def _run_block(at, design, root, block):
    """One task: its point's number, and a tidy frame of its simulations.

    Linear algebra keeps to one thread: on matrices this small more threads only wait for each other.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        return at, _simulate_and_estimate(design, [(*root, simulation) for simulation in block], block)


def _simulate_and_estimate(design, seeds, block):
    if _in_one_pass(design):
        tables = design.model(design.parameters, BatchStreams(seeds)).tables.drawn_at_once(len(block))
        one = [tables.one(number) for number in range(len(block))] if _any_looped(design) else None
    else:
        tables, one = None, [design.model(design.parameters, Streams(seed)).tables for seed in seeds]
    frames = []
    for hypothesis in design.hypotheses:
        estimand = hypothesis.estimand(design.parameters)
        for name, estimator in hypothesis.estimators.items():
            if tables is not None and hasattr(estimator, "batch"):
                estimate, failure = _estimate_at_once(estimator, tables, len(block))
            else:
                estimate, failure = _estimate_each(estimator, one)
            frames.append(_tidy(hypothesis, name, estimand, block, estimate, failure))
    return pd.concat(frames, ignore_index=True)


def _any_looped(design):
    return not all(
        hasattr(estimator, "batch") for each in design.hypotheses for estimator in each.estimators.values()
    )


def _estimate_at_once(estimator, tables, count):
    """As `_estimate_each`, in one pass; what that could not fit is fitted on its own, which may say why."""
    try:
        estimate = estimator.batch(tables)
        sound = np.isfinite(estimate.value) & np.isfinite(estimate.standard_error)
    except Exception:  # of one cohort perhaps: find out which
        return _estimate_each(estimator, [tables.one(number) for number in range(count)])
    if sound.all():
        return estimate, np.full(count, "", dtype=object)
    return _side_by_side(
        [
            _numbers(estimate.one(number)) if sound[number] else _estimate_one(estimator, tables.one(number))
            for number in range(count)
        ]
    )


def _estimate_each(estimator, cohorts):
    """An array `Estimate` from single ones, and why those failed that did."""
    return _side_by_side([_estimate_one(estimator, tables) for tables in cohorts])


def _estimate_one(estimator, tables):
    """Whatever a fit raises is a failure that is counted, with its reason."""
    try:
        return _numbers(estimator(tables))
    except Exception as error:
        return None, *(np.nan,) * 4, f"{type(error).__name__}: {error}"[:200]


def _numbers(estimate):
    low, high = estimate.bounds()
    sound = np.isfinite(estimate.value) and not np.isnan([low, high]).any()
    return (
        estimate,
        estimate.value,
        estimate.standard_error,
        low,
        high,
        "" if sound else "the estimate is not finite",
    )


def _side_by_side(found):
    *numbers, failure = zip(*found)
    return _Estimates(numbers), np.array(failure, dtype=object)


class _Estimates(Estimate):
    """Single estimates side by side, each with its own degrees of freedom, interval and p-value."""

    def __init__(self, found):
        singles, value, error, low, high = found
        super().__init__(
            np.array(value, float),
            np.array(error, float),
            interval=(np.array(low, float), np.array(high, float)),
        )
        object.__setattr__(self, "singles", singles)

    def p(self, direction, null, margin=None):
        return np.array(
            [np.nan if each is None else float(each.p(direction, null, margin)) for each in self.singles]
        )


def _tidy(hypothesis, name, estimand, block, estimate, failure):
    failed = failure != ""
    with np.errstate(invalid="ignore", divide="ignore"):
        outcome = hypothesis.confront(estimate)
    low, high = outcome["low"], outcome["high"]
    frame = pd.DataFrame(
        {
            "hypothesis": hypothesis.name,
            "estimator": name,
            "simulation": np.asarray(block),
            "estimand": estimand,
            "estimate": estimate.value,
            "standard_error": estimate.standard_error,
            "low": low,
            "high": high,
            "p_value": outcome["p_value"],
            "rejected": (outcome["verdict"] == "supported") & ~failed,
            "covered": (low <= estimand) & (estimand <= high) & ~failed,
            "failure": failure.astype(str),
        }
    )
    frame.loc[failed, ["estimate", "standard_error", "low", "high", "p_value"]] = np.nan
    return frame
