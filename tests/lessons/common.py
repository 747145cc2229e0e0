"""What the tests of the lessons share. A lesson that is added is found, with nothing to change here."""

import math
import shutil
import subprocess
import sys

import pytest

from crmlab import places
from crmlab.notebook.source import read

LESSONS = places.lessons()
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=[each.stem for each in LESSONS])


def other_values(lesson):
    """Three more sets of a lesson's parameters: another seed; the low ends; other words and larger cohorts.

    They are read off the ranges in the parameters cell. What counts simulations stands at its low end in the
    last two, so that they are quick.
    """
    known = read(lesson).parameters
    seed = {name: each.default + 1 for name, each in known.items() if name == "seed"}
    low, large = dict(seed), dict(seed)
    for name, each in known.items():
        if name == "seed":
            continue
        if each.choices:
            others = [word for word in each.choices if word != each.default]
            low[name], large[name] = others[0], others[-1]
        elif isinstance(each.default, bool):
            low[name] = not each.default
        elif each.low is not None and math.isfinite(each.low):
            low[name] = each.kind(each.low)
            large[name] = low[name] if name.endswith("sims") else each.kind(min(2 * each.default, each.high))
    return {"another seed": seed, "low ends": low, "other words": large}


def numbers(value, where=""):
    """Every number in recorded results, with the way to it; None too, which stands where there is none."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from numbers(each, f"{where}.{key}")
    elif isinstance(value, list):
        for key, each in enumerate(value):
            yield from numbers(each, f"{where}[{key}]")
    elif value is None or isinstance(value, (int, float)):
        yield where, value


def messages(notebook):
    """What an executed notebook wrote to standard error, by cell: warnings come here."""
    return {
        cell.id: output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    }


def without_network():
    """A command prefix that takes away every network interface, where the system lets us."""
    if sys.platform == "linux" and shutil.which("unshare"):
        for prefix in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
            if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
                return prefix
    return []


PREFIX = without_network()
