"""An explorable: controls, and a picture that is redrawn while they move."""

import asyncio
import base64
import html
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from crmlab.errors import InputError, check_known
from crmlab.plots.style import png
from crmlab.widgets.controls import row, setting
from crmlab.widgets.live import display_live
from crmlab.words import words

REST = 0.4  # seconds without a new value before a rough picture is refined
KEPT = 200  # refined pictures that are not drawn again

STYLE = """<style>
.crmlab-picture img { max-width: 100%; transition: opacity .15s; }
.crmlab-picture.crmlab-computing :is(img, p) { opacity: .4; }
.crmlab-picture p { margin: 0; font-size: .92em; line-height: 1.35; }
.crmlab-explorable .crmlab-label { font-size: .92em; line-height: 1.3; }
.crmlab-explorable pre { margin: 0; padding: .3rem .5rem; font-size: 12px; overflow-x: auto;
  border: 1px solid var(--jp-border-color1, #8a8a8a); border-radius: .25rem; }
</style>"""


class Explorable:
    """Controls above a picture.

    A move is answered at once by a rough picture, if `draw` can make one, and refined when the hand rests.
    While it is computed the picture is dimmed and a line says so; the kernel shows busy, and the front end
    holds back further values meanwhile, so that a drag is followed and not queued.

    Parameters
    ----------
    draw : callable
        Values of the controls, by name, to ``(figure, alt)``. One that has an argument `quick` is called with
        ``quick=True`` for a rough picture.
    controls : dict of str to ipywidgets widget
        In the order in which they stand.
    code : callable, optional
        Values of the controls, by name, to the line of code that computes what is seen.
    note : callable, optional
        Values of the controls, by name, to a sentence under the picture; asked when the hand rests.

    Examples
    --------
    >>> Explorable(draw, {"competition": slider("pull of rivals", 0.0, -1.0, 2.0)})  # doctest: +SKIP
    """

    def __init__(
        self,
        draw: Callable[..., tuple[Figure, str]],
        controls: Mapping[str, ipywidgets.DOMWidget],
        code: Callable[..., str] | None = None,
        note: Callable[..., str] | None = None,
    ) -> None:
        self.draw, self.controls, self.code, self.note = draw, dict(controls), code, note
        self.start = self.values()
        self.rough = "quick" in inspect.signature(draw).parameters
        # An HTML widget and not an Output: an Output asks the front end to collect what is displayed, which
        # takes a round trip each time, and nbclient sometimes waits for one that never comes.
        self.picture, self.status, self.foot = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.picture.add_class("crmlab-picture")
        again = ipywidgets.Button(description=words("explorable.reset"))
        again.on_click(lambda _: self.reset())
        beside = ipywidgets.HBox([again, self.status])
        parts = [ipywidgets.HTML(STYLE), row(list(self.controls.values())), beside, self.picture, self.foot]
        self.view = ipywidgets.VBox(parts)
        self.view.add_class("crmlab-explorable")
        self._drawn: dict[tuple, tuple[str, str]] = {}
        self._waiting: asyncio.TimerHandle | None = None
        self._held = False
        self.redraw()
        for control in self.controls.values():
            control.observe(self._changed, names="value")

    def values(self) -> dict[str, Any]:
        """What the controls stand at, by name."""
        return {name: setting(control) for name, control in self.controls.items()}

    def set(self, **values: Any) -> None:
        """Move controls from code, as a hand would, and redraw.

        Raises
        ------
        InputError
            If there is no control of a name.
        """
        check_known("control", values, self.controls)
        self._held = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._held = False
        self.redraw()

    def reset(self) -> None:
        """Put the controls back where they stood at first."""
        self.set(**self.start)

    def redraw(self) -> None:
        """Draw the picture for what the controls stand at now, in full."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        values = self.values()
        place = tuple(values.values())
        if place not in self._drawn:
            if len(self._drawn) >= KEPT:
                del self._drawn[next(iter(self._drawn))]
            with _Computing(self):
                self._drawn[place] = self._picture(values, quick=False)
        self._show(*self._drawn[place])
        self.foot.value = self._foot(values)
        self.status.value = ""

    def _changed(self, _change: Any) -> None:
        if self._held:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop, as in plain Python: no hand that could rest
            loop = None
        try:
            if loop is None or not self.rough or tuple(self.values().values()) in self._drawn:
                self.redraw()
                return
            with _Computing(self):
                self._show(*self._picture(self.values(), quick=True))
        except InputError as error:  # nobody would see it raised here
            self.status.value = f'<span role="status">✗ {html.escape(str(error))}</span>'
            return
        self.status.value = words("explorable.rough")
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = loop.call_later(REST, self.redraw)

    def _picture(self, values: dict[str, Any], quick: bool) -> tuple[str, str]:
        figure, alt = self.draw(**values, **({"quick": quick} if self.rough else {}))
        data = base64.b64encode(png(figure)).decode("ascii")
        plt.close(figure)
        return data, alt

    def _show(self, data: str, alt: str) -> None:
        self.data, self.alt = data, alt
        said = html.escape(alt)  # by a screen reader once: as the picture's text, not as its caption
        self.picture.value = (
            f'<img alt="{said}" src="data:image/png;base64,{data}"><p aria-hidden="true">{said}</p>'
        )

    def _foot(self, values: dict[str, Any]) -> str:
        note = f"<div>{html.escape(self.note(**values))}</div>" if self.note is not None else ""
        if self.code is None:
            return note
        line = html.escape(self.code(**values))
        label = html.escape(words("explorable.code"))
        return f'{note}<pre tabindex="0" aria-label="{label}"><code># {label}\n{line}</code></pre>'

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget; for readers without a kernel, the picture as it was first drawn."""
        data = self.view._repr_mimebundle_() | {"image/png": self.data, "text/plain": f"[{self.alt}]"}
        return data, {"image/png": {"alt": self.alt}}

    def _ipython_display_(self) -> None:
        display_live(*self._repr_mimebundle_())


class _Computing:
    """While inside, the picture is dimmed and a line says why; the front end knows before the work begins."""

    def __init__(self, explorable: Explorable) -> None:
        self.explorable = explorable

    def __enter__(self) -> None:
        self.explorable.status.value = f'<span role="status">{words("explorable.computing")}</span>'
        self.explorable.picture.add_class("crmlab-computing")

    def __exit__(self, *_: object) -> None:
        self.explorable.picture.remove_class("crmlab-computing")
