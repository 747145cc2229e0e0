"""What widgets need of a live front end: names for those who cannot see them."""

from collections.abc import Mapping
from typing import Any

from IPython.display import display

# ipywidgets gives a slider's handle the role of a slider and no name. The names stand beside the controls;
# this ties them together once the controls have been drawn, which takes the front end a moment.
_NAMES = """(() => { let looks = 0; const name = () => {
  for (const box of document.querySelectorAll('.crmlab-control')) {
    const label = box.querySelector('.crmlab-label')?.textContent.trim();
    if (!label) continue;
    for (const each of box.querySelectorAll('.noUi-handle, .widget-readout, select'))
      if (!each.hasAttribute('aria-label')) each.setAttribute('aria-label', label);
    for (const each of box.querySelectorAll('.crmlab-unset .noUi-handle'))
      each.setAttribute('aria-valuetext', box.querySelector('.crmlab-status')?.textContent.trim() ?? '');
    for (const each of box.querySelectorAll('.widget-radio-box'))
      if (!each.hasAttribute('role')) {
        each.setAttribute('role', 'radiogroup'); each.setAttribute('aria-label', label); }
  }
  if (++looks > 60) clearInterval(timer); };
  const timer = setInterval(name, 250); name(); })();"""


def display_live(bundle: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> None:
    """Display a widget's bundle and, for a live front end, the script that names its controls.

    A control gets its name if it stands in a box of class ``crmlab-control`` with a text of class
    ``crmlab-label``. Stored notebooks keep the bundle without the script.
    """
    display(dict(bundle), metadata=dict(metadata or {}), raw=True)
    display({"application/javascript": _NAMES}, metadata={"crmlab": {"live": True}}, raw=True)
