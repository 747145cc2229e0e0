"""One style, one palette, and the pictures that lessons share."""

from crmlab.plots.diagnosis import diagnosis_plot, estimates_plot
from crmlab.plots.diagram import causal_diagram
from crmlab.plots.governance import governance_curves
from crmlab.plots.groups import group_means
from crmlab.plots.mediation import sensitivity_curve
from crmlab.plots.shares import shares_and_truth
from crmlab.plots.style import (
    HEADLINE,
    MARKERS,
    NAIVE,
    PALETTE,
    SERIES,
    TRUTH,
    legend_above,
    looks,
    show,
    subplots,
    truth_line,
    use_style,
)

__all__ = [
    "HEADLINE",
    "MARKERS",
    "NAIVE",
    "PALETTE",
    "SERIES",
    "TRUTH",
    "causal_diagram",
    "diagnosis_plot",
    "estimates_plot",
    "governance_curves",
    "group_means",
    "legend_above",
    "looks",
    "sensitivity_curve",
    "shares_and_truth",
    "show",
    "subplots",
    "truth_line",
    "use_style",
]
