"""A progress bar in a cell: it shows the time left, and nothing of it stays."""

import asyncio

import nbclient
import nbformat

from crmlab.notebook.session import SESSION

COUNT = """\
from crmlab.notebook.session import is_watched, progress_bar
print(is_watched())
with progress_bar(total=4, desc="counting", leave=False, mininterval=0) as bar:
    for _ in range(4):
        bar.update()
print("done")"""


def test_a_bar_in_a_cell_counts_and_leaves_nothing(tmp_path, monkeypatch):
    own = tmp_path / "09_loyalty.ipynb"
    own.write_text("{}")
    monkeypatch.setenv(SESSION, str(own))
    seen = []

    class Client(nbclient.NotebookClient):
        def process_message(self, message, cell, index):
            if message["msg_type"] in ("display_data", "update_display_data"):
                seen.append(message["content"]["data"]["text/plain"])
            return super().process_message(message, cell, index)

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(COUNT)])
    asyncio.run(Client(notebook).async_execute())
    assert "counting:   0%" in seen[0] and "counting: 100%" in seen[-2] and "4/4 [" in seen[-2]
    assert seen[-1] == ""
    texts = [output.get("text", output.get("data")) for output in notebook.cells[0].outputs]
    assert texts == ["True\n", {"text/plain": ""}, "done\n"]
