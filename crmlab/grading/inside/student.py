"""A student's code, run cell by cell, and what it answers.

Lines come in (the plan, then a token for each question) and go out (the token and the answer as JSON). Once
the first line of a student's has run, nothing that this process says is believed: an answer earns marks only
by being right.
"""

import os
from json import dumps, loads
from typing import NoReturn

from crmlab.exercises.working import Work
from crmlab.grading.inside import suspicion, watching


def main(down: int, up: int, events: int, walls: list[str]) -> NoReturn:
    """Talk until the other side hangs up; never returns."""
    lines = _lines(down)

    def say(message):
        _write(up, dumps(message))

    say({"walls": walls})
    plan = loads(next(lines))
    if plan["scan"]:
        say({"scan": suspicion.scan(plan)})
    work = Work(plan)
    watching.watch(lambda event: _write(events, dumps(event)), _own_cells(plan))
    for number, token in enumerate(lines):
        try:
            reply = dumps(work.question(plan["questions"][number]))
        except MemoryError:
            reply = dumps({"error": {"type": "MemoryError", "message": "", "line": None, "cell": ""}})
        _write(up, f"{token.decode()} {reply}")
    os._exit(0)


def _own_cells(plan):
    return [
        cell["id"]
        for asked in plan["questions"]
        for cell in asked["cells"]
        if cell["role"] in ("solution", "extra")
    ]


def _lines(pipe):
    """Whole lines from a pipe. Read by the system's own call: no buffer that a student could patch."""
    held = b""
    while True:
        data = os.read(pipe, 1 << 16)
        if not data:
            return
        *whole, held = (held + data).split(b"\n")
        yield from whole


def _write(pipe, text, write=os.write):
    data = text.encode("ascii") + b"\n"
    while data:
        data = data[write(pipe, data) :]
