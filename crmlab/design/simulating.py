"""Simulations and their estimates as rows: many cohorts in one pass where market and estimators allow it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs

from crmlab.design.estimate import Estimate
from crmlab.design.estimator import Estimator
from crmlab.design.streams import BatchStreams, Seed, Streams, seed_tuple
from crmlab.errors import InputError
from crmlab.models.threads import one_blas_thread
from crmlab.notebook.session import is_watched, progress_bar
from crmlab.words import words

if TYPE_CHECKING:
    from crmlab.design.design import Design

BATCH_NUMBERS = 400_000  # numbers a column of a batch may hold: what stays in a core's cache
SILENT_SECONDS = 1.0  # before a progress bar appears
MANY_TASKS = 100  # from here on one is timed, and a long wait announced
LONG_SECONDS = 60.0
LOOPED_BLOCK = 25  # simulations of a task when each is run on its own: enough to hide the cost of sending it


def simulated(
    points: Sequence[tuple[dict[str, Any], Design]],
    numbers: range,
    seed: Seed,
    jobs: int | None,
    progress: bool | None,
) -> pd.DataFrame:
    """The simulations of these numbers at every point, as rows."""
    root = seed_tuple(seed)
    tasks = [
        (at, design, block) for at, (_, design) in enumerate(points) for block in _blocks(design, numbers)
    ]
    watched = is_watched() if progress is None else progress
    if watched and len(tasks) > MANY_TASKS:
        _tell_how_long(tasks, root, jobs, len(numbers))
    bar = progress_bar(
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
    return pd.concat(frames, ignore_index=True)


def _tell_how_long(tasks, root, jobs, sims) -> None:
    """Time one task and, if all will take long, say so before they start."""
    at, design, block = tasks[0]
    _run_block(at, design, root, block[:2])  # what a first fit imports and compiles is paid once
    start = time.perf_counter()
    _run_block(at, design, root, block)
    seconds = (time.perf_counter() - start) * len(tasks) / effective_n_jobs(jobs)
    if seconds > LONG_SECONDS:
        sys.stderr.write(words("design.long", sims=sims, duration=_duration(seconds)) + "\n")


def _duration(seconds: float) -> str:
    for key, size in (("days", 86400), ("hours", 3600)):
        if seconds >= 2 * size:
            return words(f"design.{key}", number=round(seconds / size))
    return words("design.minutes", number=max(1, round(seconds / 60)))


def _blocks(design, numbers):
    """Ranges of simulations that one task runs."""
    if _in_one_pass(design):
        rows = getattr(design.parameters, "n_customers", 1000) * design.parameters.rows_a_customer
        size = int(np.clip(BATCH_NUMBERS // rows, 1, 500))
    else:
        size = LOOPED_BLOCK
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _in_one_pass(design):
    return design.batched and any(isinstance(each, Estimator) for each in _estimators(design))


def _estimators(design):
    return [estimator for each in design.hypotheses for estimator in each.estimators.values()]


def _run_block(at, design, root, block):
    """One task: its point's number, and a tidy frame of its simulations.

    Linear algebra keeps to one thread: on matrices this small more threads only wait for each other.
    """
    with one_blas_thread():
        return at, _simulate_and_estimate(design, [(*root, simulation) for simulation in block], block)


def _simulate_and_estimate(design, seeds, block):
    if _in_one_pass(design):
        tables = design.model(design.parameters, BatchStreams(seeds)).tables.drawn_at_once(len(block))
        looped = not all(isinstance(each, Estimator) for each in _estimators(design))
        one = [tables.one(number) for number in range(len(block))] if looped else []
    else:
        tables, one = None, [cohort.tables for cohort in _cohorts(design, [Streams(seed) for seed in seeds])]
    frames = []
    for hypothesis in design.hypotheses:
        estimand = hypothesis.estimand(design.parameters)
        for name, estimator in hypothesis.estimators.items():
            if tables is not None and isinstance(estimator, Estimator):
                found = _estimate_at_once(estimator, tables, len(block))
            else:
                found = _estimate_each(estimator, one)
            frames.append(_tidy(hypothesis, name, estimand, block, *found))
    return pd.concat(frames, ignore_index=True)


def _cohorts(design, streams):
    """One by one, or side by side where the design says how."""
    if design.together is not None:
        return design.together(design.parameters, streams)
    return [design.model(design.parameters, each) for each in streams]


def _estimate_at_once(estimator, tables, count):
    """As `_estimate_each`, in one pass; what that could not fit is fitted on its own, which may say why."""
    try:
        estimate = estimator.batch(tables)
        sound = np.broadcast_to(estimate.sound, count)
    except Exception:  # of one cohort perhaps: find out which
        return _estimate_each(estimator, [tables.one(number) for number in range(count)])
    if sound.all():
        return estimate, [None] * count
    return _side_by_side(
        [
            (estimate.one(number), None) if sound[number] else _estimate_one(estimator, tables.one(number))
            for number in range(count)
        ]
    )


def _estimate_each(estimator, cohorts):
    """An array `Estimate` from single ones, and the failures, None where there is none."""
    return _side_by_side([_estimate_one(estimator, tables) for tables in cohorts])


@dataclass(frozen=True)
class Failure:
    """Why a fit failed, and whether it was the input that the estimator refused."""

    reason: str
    refused: bool = False


def _estimate_one(estimator, tables):
    """The estimate, and the failure if there is one: whatever a fit raises is counted, with its reason."""
    try:
        estimate = estimator(tables)
        if estimate.sound:
            return estimate, None
        return None, Failure("the estimate is not finite")
    except InputError as error:
        return None, Failure(str(error)[:200], refused=True)
    except Exception as error:
        return None, Failure(f"{type(error).__name__}: {error}"[:200])


def _side_by_side(found):
    singles, failures = zip(*found)
    return Estimate.stacked(singles), list(failures)


def _tidy(hypothesis, name, estimand, block, estimate, failures):
    failed = np.array([each is not None for each in failures])
    with np.errstate(invalid="ignore", divide="ignore"):
        outcome = hypothesis.confront(estimate)
    low, high = outcome["low"], outcome["high"]

    def found(values):
        return np.where(failed, np.nan, values)

    return pd.DataFrame(
        {
            "hypothesis": hypothesis.name,
            "estimator": name,
            "simulation": np.asarray(block),
            "estimand": estimand,
            "estimate": found(estimate.value),
            "standard_error": found(estimate.standard_error),
            "low": found(low),
            "high": found(high),
            "p_value": found(outcome["p_value"]),
            "rejected": (outcome["verdict"] == "supported") & ~failed,
            "covered": (low <= estimand) & (estimand <= high) & ~failed,
            "failure": pd.array([each.reason if each else "" for each in failures], dtype="str"),
            "refused": [each is not None and each.refused for each in failures],
        }
    )
