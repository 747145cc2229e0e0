"""Assumptions and the tests that data can make of them, written once for every theory."""

from crmlab.checks.finding import Check, Finding
from crmlab.checks.resting import assumptions

__all__ = ["Check", "Finding", "assumptions"]
