"""What instructors do, from ``crmlab release`` to ``crmlab gradebook``.

One module a command or two; `shared.py` holds what their parsers share.
"""

import argparse

from crmlab.cli.course import collecting, demo, giving, grading, marking, regrading, releasing


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for module in (releasing, collecting, grading, regrading, marking, giving, demo):
        module.add_commands(commands)
