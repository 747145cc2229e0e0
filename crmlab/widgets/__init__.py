"""Explorables: controls above a picture that is redrawn while they move."""

from crmlab.widgets.explorable import Explorable, choice, explore_market, one_cohort, power_curve, slider

__all__ = ["Explorable", "choice", "explore_market", "one_cohort", "power_curve", "slider"]
