"""The form in which executed notebooks are kept: nothing in it that changes when the outputs do not."""

import copy

from crmlab.notebook.jupyter import nbformat

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def as_text(notebook: nbformat.NotebookNode) -> str:
    """An executed notebook as a file's content, without clocks, paths and versions of the machine."""
    return nbformat.writes(tidied(notebook)) + "\n"


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy without what papermill and the kernel note about the run."""
    notebook = copy.deepcopy(notebook)
    parameters = notebook.metadata.get("papermill", {}).get("parameters")
    kept = {key: value for key, value in notebook.metadata.items() if key in ("crmlab", "widgets", "nbval")}
    notebook.metadata = nbformat.from_dict(
        {**kept, "kernelspec": _KERNEL, "language_info": {"name": "python"}}
    )
    if parameters:
        notebook.metadata["papermill"] = nbformat.from_dict({"parameters": parameters})
    for cell in notebook.cells:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if cell.metadata.get("tags") == []:
            del cell.metadata["tags"]
    return notebook
