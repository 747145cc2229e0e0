"""Companies of one truth and different luck, simulated side by side: each as it would be alone.

A month of a small company is a few hundred short array operations, which cost as much to call as to do.
Customers do not touch each other, so those of many companies can be in the same arrays; their keys say whose
draws they have (`streams.ManyStreams`), and their numbers who they are.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from crmlab.company.block import Block
from crmlab.company.branches import BranchPaths
from crmlab.company.customers import NOBODY, Customers, draw_customers
from crmlab.company.ledger import Columns, Ledger
from crmlab.company.market import CALENDAR, Company
from crmlab.company.streams import APART, ManyStreams
from crmlab.company.tables import Kept, Simulation
from crmlab.errors import InputError

MOST_BRANCHES = 2**15 - 1  # of all companies: they are numbered in 16 bits
TOGETHER = 20_000  # customers: as many as stay in a processor's cache


def simulate_together(companies: Sequence[Company], keep: dict[str, tuple[str, ...]]) -> list[Simulation]:
    """Simulate companies that differ in seed and luck alone.

    Parameters
    ----------
    companies : sequence of Company
    keep : mapping of str to tuple of str
        Tables that are written down, and their columns, of which one is customer_id.

    Returns
    -------
    list of Simulation
        The rows of `Company.simulate`, company by company.
    """
    first = companies[0]
    if any("customer_id" not in columns for columns in keep.values()):
        raise InputError("keep has a table without customer_id; rows are told apart by it, so keep it")
    size = min(TOGETHER // first.customers, MOST_BRANCHES // first.parameters.n_branches, len(companies))
    groups = [companies[at : at + max(size, 1)] for at in range(0, len(companies), max(size, 1))]
    return [each for group in groups for each in _group(group, keep)]


def _group(companies: Sequence[Company], keep: dict[str, tuple[str, ...]]) -> list[Simulation]:
    paths = [each.branches() for each in companies]
    block = _opened(companies, paths, Ledger(keep))
    for _ in range(companies[0].months):
        block.advance(CALENDAR)
    ledgers = block.ledger.split(partial(_told_apart, block.p.n_branches), len(companies))
    company, everybody = block.customers.number // APART, block.customers
    found = []
    for at, (one, branches, ledger) in enumerate(zip(companies, paths, ledgers, strict=True)):
        own = _own(everybody.take(np.flatnonzero(company == at)), block.p.n_branches)
        kept = Kept(own, ledger, branches, one.months, one.streams)
        found.append(Simulation(block.p, block.do, ledger, partial(_same, kept)))
    return found


def _same(kept: Kept) -> Kept:
    return kept


def _opened(companies: Sequence[Company], paths: Sequence[BranchPaths], ledger: Ledger) -> Block:
    """The block of all companies before the first month."""
    first, streams = companies[0], ManyStreams([each.streams for each in companies])
    own = np.arange(first.customers, dtype=np.int64)
    numbers = (np.arange(len(companies))[:, None] * APART + own).ravel()
    customers = draw_customers(first.parameters, streams, streams.keys(numbers), numbers)
    branches = BranchPaths.side_by_side(paths)
    return Block(first.parameters, streams, branches, customers, first.interventions, ledger)


def _told_apart(n_branches: int, columns: Columns) -> tuple[npt.NDArray[np.int64], Columns]:
    """Whose each row of a table is, and its columns with customers' and branches' own numbers."""
    company, number = np.divmod(columns["customer_id"].astype(np.int64), APART)
    own: Columns = {"customer_id": number}
    if "branch_id" in columns:
        own["branch_id"] = columns["branch_id"].astype(np.int16) % n_branches
    return company, columns | own


def _own(customers: Customers, n_branches: int) -> Customers:
    """Customers of one company with the keys and numbers that they have in it."""
    referred = customers.referrer != NOBODY
    customers.referrer = np.where(referred, customers.referrer % APART, NOBODY)
    customers.number, customers.branch = customers.number % APART, customers.branch % n_branches
    customers.key = customers.key["word"]
    return customers
