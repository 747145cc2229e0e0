"""Branches, their employees and the rivals around them, drawn before any customer.

Given these paths customers are independent of each other, so they can be drawn in blocks of any size. All
arrays have months first, so that a longer run draws the same first months.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.company.parameters import CompanyParameters
from crmlab.design.streams import Seed, generator, seed_tuple

Array = npt.NDArray[np.float64]
Months = npt.NDArray[np.int16]
NEVER = 999  # the month of what does not happen
LAUNCHES = {9: 0.25, 15: 0.50, 21: 0.70}  # months of the scheme's openings: share of branches open by then
CRM_MONTH = 12
REGIONS = 4
PILOT = 4  # every fourth branch gives redress by lot
STAFF_MEMORY, RIVAL_MEMORY = 0.95, 0.9
LEAVING, SOUR = (
    -4.0,
    0.6,
)  # an employee's logit of leaving in a month, and what a unit of dissatisfaction adds
FRESH = 6  # months in which an employee is new
EMPLOYEE_SPELLS = 1000  # numbers kept for those who follow each other in one post


@dataclass(frozen=True, eq=False)
class BranchPaths:
    """What happens at B branches, with E posts each, over M months, whatever customers do.

    Attributes
    ----------
    quality : array of shape (B,)
        U, what makes a branch good at everything.
    launch, crm : arrays of int16, shape (B,)
        Months from which the scheme is open and a CRM system works; 999 is never.
    service : array of shape (M, B)
        Q, what branch and staff add to a customer's experience.
    job_satisfaction : array of shape (M, B, E)
    spell : array of int, shape (M, B, E)
        How many have left a post before whoever holds it.
    rivals : array of shape (M, regions)
        The pull of alternatives.
    number : array of int, shape (B,)
        From 0; it begins anew where another company's branches do, if several are simulated together.
    """

    quality: Array
    launch: Months
    crm: Months
    service: Array
    job_satisfaction: Array
    spell: npt.NDArray[np.int64]
    rivals: Array
    number: npt.NDArray[np.int64]

    @cached_property
    def region(self) -> npt.NDArray[np.int64]:
        """The region of each branch."""
        company = np.cumsum(self.number == 0) - 1
        return company * REGIONS + self.number % REGIONS

    @cached_property
    def pilot(self) -> npt.NDArray[np.bool_]:
        """Whether a branch gives redress by lot."""
        return self.number % PILOT == 0

    def employee(
        self, month: int, branch: npt.NDArray[np.integer], post: npt.NDArray[np.integer]
    ) -> npt.NDArray[np.int64]:
        """Number of whoever holds a post."""
        posts = self.spell.shape[2]
        return (self.number[branch] * posts + post) * EMPLOYEE_SPELLS + self.spell[month, branch, post]

    @classmethod
    def side_by_side(cls, paths: Sequence["BranchPaths"]) -> "BranchPaths":
        """The branches of several companies, one company's after the other's."""
        joined = {}
        for each in fields(cls):
            along = 0 if each.name in ("quality", "launch", "crm", "number") else 1
            joined[each.name] = np.concatenate([getattr(path, each.name) for path in paths], axis=along)
        return cls(**joined)


def draw_branches(p: CompanyParameters, months: int, seed: Seed) -> BranchPaths:
    """The paths of branches, staff and rivals over so many months."""
    seed = seed_tuple(seed)
    quality = generator(seed, "branch quality").standard_normal(p.n_branches)
    service, job, spell = _staff(p, quality, months, seed)
    return BranchPaths(
        quality=quality,
        launch=_launches(p, quality, generator(seed, "launches")),
        crm=_crm_months(p, quality, generator(seed, "crm systems")),
        service=service,
        job_satisfaction=job,
        spell=spell,
        rivals=_rivals(months, generator(seed, "rivals")),
        number=np.arange(p.n_branches),
    )


def _launches(p: CompanyParameters, quality: Array, rng: np.random.Generator) -> Months:
    """By lot, or the better branches first."""
    eager = p.launch_selection * quality + rng.standard_normal(quality.size)
    place = np.argsort(np.argsort(-eager)) / quality.size
    launch = np.full(quality.size, NEVER, np.int16)
    for month, share in sorted(LAUNCHES.items(), reverse=True):
        launch[place < share] = month
    return launch


def _crm_months(p: CompanyParameters, quality: Array, rng: np.random.Generator) -> Months:
    adopted = p.crm_selection * quality + rng.standard_normal(quality.size) > 0
    return np.where(adopted, CRM_MONTH, NEVER).astype(np.int16)


def _staff(
    p: CompanyParameters, quality: Array, months: int, seed: tuple[int, ...]
) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """Service of branches; job satisfaction and succession in posts."""
    shape = (quality.size, p.n_employees)
    usual = 0.5 * quality[:, None]
    draws = {name: generator(seed, f"staff {name}") for name in ("skill", "job", "leaving", "new", "moods")}
    skill = draws["skill"].standard_normal(shape)
    job = usual + 0.85 * draws["job"].standard_normal(shape)
    spell, age = np.zeros(shape, np.int64), np.full(shape, 24)
    service, jobs, spells = [], [], []
    for _ in range(months):
        leaves = draws["leaving"].random(shape) < expit(LEAVING - SOUR * job)
        newcomer, moods = draws["new"].standard_normal(shape), draws["moods"].standard_normal(shape)
        skill = np.where(leaves, newcomer, skill)
        kept = STAFF_MEMORY * job + (1 - STAFF_MEMORY) * usual + 0.16 * moods
        job = np.where(leaves, usual + 0.85 * moods, kept)
        age, spell = np.where(leaves, 0, age + 1), spell + leaves
        served = 0.5 * skill + 0.5 * job - 0.4 * (age < FRESH)
        service.append(p.branch_to_experience * quality + p.staff_to_experience * served.mean(1))
        jobs.append(job)
        spells.append(spell)
    return np.array(service), np.array(jobs), np.array(spells)


def _rivals(months: int, rng: np.random.Generator) -> Array:
    """The pull of alternatives by month and region: AR(1) of variance 1."""
    shocks = rng.standard_normal((months, REGIONS))
    pull = np.empty_like(shocks)
    for month, shock in enumerate(shocks):
        before = pull[month - 1] if month else shock
        pull[month] = shock if month == 0 else RIVAL_MEMORY * before + np.sqrt(1 - RIVAL_MEMORY**2) * shock
    return pull
