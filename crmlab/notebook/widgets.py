"""What remains of widgets when their kernel has gone: the last pictures they showed."""

from typing import Any

from crmlab.notebook.jupyter import nbformat
from crmlab.words import words

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
_REFERENCE = "IPY_MODEL_"


def without_widgets(notebook: Any) -> Any:
    """The notebook with each widget replaced by the pictures it showed last, marked as such.

    Widgets live only while their kernel does; their ids also change with every run.
    """
    state = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [each for output in cell.outputs for each in _static(output, state)]
    return notebook


def is_fallback(output: Any) -> bool:
    """Whether an output stands in for a widget."""
    return bool(output.get("metadata", {}).get("crmlab", {}).get("widget"))


def is_caption(output: Any) -> bool:
    """Whether an output is the caption that ``crmlab.plots.show`` puts under a picture."""
    return bool(output.get("metadata", {}).get("crmlab", {}).get("caption"))


def _static(output, state):
    data = output.get("data", {})
    if (
        output.get("metadata", {}).get("crmlab", {}).get("live")
    ):  # serves the widgets before it, and only them
        return []
    if VIEW not in data:
        return [output]
    if "text/html" in data:  # the output brings what does the same without a kernel
        output.data = {kind: value for kind, value in data.items() if kind != VIEW}
        return [output]
    if "image/png" in data:  # the output brings a picture for readers without a kernel
        output.data = {kind: value for kind, value in data.items() if kind != VIEW}
        output.metadata["crmlab"] = {"widget": True}
        output.output_type = "display_data"
        output.pop("execution_count", None)
        return [output]
    pictures = list(_pictures(data[VIEW]["model_id"], state, set()))
    if not pictures:  # the page will say that there was a widget
        pictures = [({"text/plain": words("build.widget")}, {})]
    return [
        nbformat.v4.new_output(
            "display_data", data=picture, metadata={**metadata, "crmlab": {"widget": True}}
        )
        for picture, metadata in pictures
    ]


def _pictures(model_id, state, seen):
    """``(data, metadata)`` of the pictures in a widget and its children, in their order."""
    if model_id in seen or model_id not in state:
        return
    seen.add(model_id)
    model = state[model_id]
    if model["model_name"] == "OutputModel":
        for output in model["state"].get("outputs", []):
            if "image/png" in output.get("data", {}):
                picture = {
                    kind: output["data"][kind]
                    for kind in ("image/png", "text/plain")
                    if kind in output["data"]
                }
                yield picture, dict(output.get("metadata", {}))
    if model["model_name"] == "ImageModel":
        for buffer in model.get("buffers", []):
            if buffer["path"] == ["value"]:
                yield {"image/png": buffer["data"]}, {}
    for child in model["state"].get("children", []):
        if isinstance(child, str) and child.startswith(_REFERENCE):
            yield from _pictures(child.removeprefix(_REFERENCE), state, seen)
