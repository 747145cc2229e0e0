"""papermill, with kernels of our own and a deadline for the whole notebook."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from crmlab.notebook import kernels
from crmlab.notebook.jupyter import nbformat
from crmlab.notebook.outcome import Failure, failure_at
from crmlab.notebook.source import Source
from crmlab.notebook.zygote import quick_import

with quick_import():
    import papermill
    from jupyter_core.utils import ensure_event_loop
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError

NAME = "crmlab"
logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what goes wrong is in the Run
_MARK = "papermill-error-cell-tag"


class Watch:
    """Follows one notebook.

    It keeps the notebook in sight when papermill raises, says which cell is running and how long it may
    still take.
    """

    def __init__(self, timeout: float | None, on_cell: Callable[[nbformat.NotebookNode], object]) -> None:
        self.until = None if timeout is None else time.monotonic() + timeout
        self.on_cell = on_cell
        self.notebook: nbformat.NotebookNode | None = None
        self.cell: nbformat.NotebookNode | None = None
        self.leaving: nbformat.NotebookNode | None = None

    def seconds_left(self, cell: nbformat.NotebookNode) -> float | None:
        self.cell = cell
        return None if self.until is None else max(0.001, self.until - time.monotonic())

    def done(
        self, cell: nbformat.NotebookNode, execute_reply: dict[str, Any] | None = None, **_: Any
    ) -> None:
        payload = (execute_reply or {}).get("content", {}).get("payload", [])
        if self.leaving is None and any(each.get("source") == "ask_exit" for each in payload):
            self.leaving = cell
        self.on_cell(cell)


class Engine(NBClientEngine):
    """papermill's own engine, told which kernel to start and where, without a clock in the outputs."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        watch: Watch,
        warm: bool = False,
        folder: str | None = None,
        **options: Any,
    ) -> Any:
        watch.notebook = nb_man.nb
        options.update(
            kernel_manager_class=kernels.WarmManager if warm else kernels.PlainManager,
            shutdown_kernel="immediate",
            record_timing=False,
            resources={"metadata": {"path": folder}},
            timeout_func=watch.seconds_left,
            iopub_timeout=60,  # outputs may lag behind on a busy machine
            on_cell_executed=watch.done,
        )
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


papermill_engines.register(NAME, Engine)


def _on_a_loop_of_its_own(run, *arguments, **options):
    """Call `run`; an event loop that jupyter_core makes for it, and would keep for good, is closed again.

    Which loop it uses is a context variable, so this is called in an empty context.
    """
    try:
        return run(*arguments, **options)
    finally:
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # none runs: it made one for this thread
            ensure_event_loop().close()
            asyncio.set_event_loop(None)


def execute(
    source: Source,
    parameters: Mapping[str, object],
    warm: bool,
    timeout: float | None,
    on_cell: Callable[[nbformat.NotebookNode], object],
) -> tuple[nbformat.NotebookNode, Failure | None]:
    """Execute a lesson's notebook.

    Returns
    -------
    notebook : NotebookNode
        As far as it was executed.
    failure : Failure or None
        Only what the notebook itself does not show: a kernel that died, a deadline that passed.
    """
    notebook = nbformat.read(source.lesson.path, as_version=4)
    watch = Watch(timeout, on_cell)
    failure = None
    try:
        contextvars.Context().run(
            _on_a_loop_of_its_own,
            papermill.execute_notebook,
            notebook,
            None,
            parameters,
            engine_name=NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            watch=watch,
            warm=warm,
            folder=str(source.lesson.path.parent),
        )
    except PapermillExecutionError:
        pass  # the cell shows it
    except CellTimeoutError as error:
        late = watch.until is not None and time.monotonic() >= watch.until
        message = f"the lesson took longer than {timeout:g} s; this cell was running" if late else str(error)
        failure = failure_at(watch.notebook, watch.cell, "Timeout", message)
    except DeadKernelError:
        failure = failure_at(watch.notebook, watch.cell, "DeadKernel", "the kernel died in this cell")
    except Exception as error:  # whatever befalls one notebook, the others go on
        name, message = type(error).__name__, f"the notebook could not be executed: {error}"
        if watch.cell is None:
            failure = Failure(name, message)
        else:
            failure = failure_at(watch.notebook, watch.cell, name, message)
    notebook = watch.notebook or notebook
    if watch.leaving is not None:
        # Whether later cells still run, and how they end, is then a matter of luck.
        failure = failure_at(
            notebook, watch.leaving, "Exit", "the cell ends the kernel; a lesson runs to its last cell"
        )
    notebook.cells = [cell for cell in notebook.cells if _MARK not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
    return notebook, failure
