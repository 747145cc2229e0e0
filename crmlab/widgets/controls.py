"""Controls of an explorable, and the labels above them."""

import html
from collections.abc import Sequence

import ipywidgets

from crmlab.words import translated


def slider(
    label: str, value: float, low: float, high: float, step: float | None = None
) -> ipywidgets.IntSlider | ipywidgets.FloatSlider:
    """A slider for a number; whole numbers if `value` is one.

    Parameters
    ----------
    label : str
        What it moves, with the unit.
    step : float, optional
        A twentieth of the range if not given, 1 for whole numbers.
    """
    kind = ipywidgets.IntSlider if isinstance(value, int) else ipywidgets.FloatSlider
    step = step or (1 if isinstance(value, int) else (high - low) / 20)
    return kind(value=value, min=low, max=high, step=step, tooltip=label, layout=_wide())


def choice(label: str, options: Sequence[str], value: str | None = None) -> ipywidgets.Dropdown:
    """A drop-down of words."""
    options = list(options)
    return ipywidgets.Dropdown(
        options=options, value=value if value is not None else options[0], tooltip=label, layout=_wide()
    )


def setting(control: ipywidgets.DOMWidget) -> object:
    """What a control is set to; a slider's number without the dust of its steps, as 0.20000000000000007."""
    return round(control.value, 10) + 0.0 if isinstance(control.value, float) else control.value


def labelled(control: ipywidgets.DOMWidget) -> ipywidgets.VBox:
    """A control with its label above it, so that the whole width is its track."""
    label = html.escape(translated(control.tooltip or control.description))
    box = ipywidgets.VBox([ipywidgets.HTML(f'<span class="crmlab-label">{label}</span>'), control])
    box.layout.overflow = "visible"  # the margins of what is in it want no scroll bar
    box.add_class("crmlab-control")
    return box


def row(controls: Sequence[ipywidgets.DOMWidget]) -> ipywidgets.Box:
    """Controls beside each other, as many as the page is wide."""
    columns = "repeat(auto-fit, minmax(220px, 1fr))"
    layout = ipywidgets.Layout(
        display="grid", grid_template_columns=columns, grid_gap="0 1rem", width="100%", max_width="980px"
    )
    return ipywidgets.Box([labelled(each) for each in controls], layout=layout)


def _wide() -> ipywidgets.Layout:
    return ipywidgets.Layout(width="100%")
