"""A pytest plugin: gives nbval a kernel that runs nothing and says again what an executed notebook says."""

import os
from typing import Any

from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

FRESH = "CRMLAB_FRESH_NOTEBOOK"  # names the executed notebook


class Replay:
    """What nbval needs of a kernel; cell after cell, in order."""

    def __init__(self, *arguments, **options):
        notebook = nbformat.read(os.environ[FRESH], as_version=4)
        self.cells = iter(cell for cell in notebook.cells if cell.cell_type == "code")
        self.messages = iter(())

    def execute_cell_input(self, source: str, allow_stdin: bool | None = None) -> Any:
        identity = source  # nbval takes the messages that name the request
        self.messages = iter(
            [*map(_content, next(self.cells).outputs), ("status", {"execution_state": "idle"})]
        )
        self.parent = {"msg_id": identity}
        return identity

    def get_message(self, stream: str, timeout: float | None = None) -> Any:
        kind, content = next(self.messages)
        return {"msg_type": kind, "content": content, "parent_header": self.parent}

    def await_reply(self, identity: Any, timeout: float | None = None) -> Any:
        """The reply is there already."""

    def await_idle(self, identity: Any, timeout: float | None = None) -> None:
        """It is idle already."""

    def is_alive(self) -> bool:
        return True

    def stop(self) -> None:
        """There is nothing to stop."""


def _content(output):
    return output.output_type, {key: value for key, value in output.items() if key != "output_type"}


def pytest_configure(config: Any) -> None:  # noqa: ARG001 (pytest names the argument)
    """Have nbval replay a run where a fresh one was made before."""
    if os.environ.get(FRESH):
        from nbval import plugin

        plugin.RunningKernel = Replay
