"""Explorables: one a lesson, in the module of the lesson's name, each exporting ``explore``."""

from crmlab.widgets.explorable import Explorable, choice, power_curve, slider

__all__ = ["Explorable", "choice", "power_curve", "slider"]
