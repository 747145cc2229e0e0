"""``crmlab new``: the three files of a theory, which run and pass the tests from the first minute."""

import argparse
import json
import re
from pathlib import Path

from crmlab.errors import InputError

_NAME = re.compile(r"(\d\d)_([a-z][a-z0-9]*(?:_[a-z0-9]+)*)")


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "new",
        help="write the three files of a new theory",
        description="Write the design, the lesson and the exercises of a new theory: a small market that "
        "runs and passes every test, to be changed piece by piece into yours.",
    )
    parser.add_argument("name", metavar="NN_NAME", help="number and name, as 20_trust")
    parser.add_argument("--title", help="default: the name in words")
    parser.set_defaults(command=new)


def new(arguments: argparse.Namespace) -> int:
    """Write the files, or refuse: none that is there already is touched."""
    from crmlab.files import write_text
    from crmlab.places import root

    match = _NAME.fullmatch(arguments.name)
    if not match:
        raise InputError(f"NN_NAME is {arguments.name!r}; give two digits and a name: 20_trust")
    number, name = match.groups()
    house = root()
    if not (house / "crmlab" / "theories").is_dir():
        raise InputError(f"{house} is no copy of the repository; get one, and work there (see CONTRIBUTING)")
    taken = sorted(path.stem for path in (house / "notebooks").glob(f"{number}_*.ipynb"))
    if taken:
        raise InputError(f"NN_NAME is {arguments.name!r}, but {number} is {taken[0]}; take another number")
    texts = templates(number, name, arguments.title or name.replace("_", " ").capitalize())
    there = [path for path in texts if (house / path).exists()]
    if there:
        raise InputError(f"{there[0]} exists; take another name, or remove it first")
    for path, text in texts.items():
        (house / path).parent.mkdir(parents=True, exist_ok=True)
        write_text(house / path, text)
        print(path)
    print(f"Next: crmlab refresh {number}, which runs the lesson and stores its outputs")
    return 0


def templates(number: str, name: str, title: str) -> dict[Path, str]:
    """The files' texts, by their place in the repository."""
    from importlib.resources import files

    folder = files("crmlab.cli") / "new"
    market = "".join(part.capitalize() for part in name.split("_")) + "Market"
    marks = {"NAME": name, "MARKET": market, "TITLE": title, "NUMBER": number, "SEED": str(int(number))}

    def filled(template: str) -> str:
        text = (folder / template).read_text(encoding="utf-8")
        for mark, value in marks.items():
            text = text.replace(f"«{mark}»", value)
        return text

    return {
        Path(f"crmlab/theories/{name}.py"): filled("theory.txt"),
        Path(f"notebooks/{number}_{name}.ipynb"): notebook(filled("lesson.txt")),
        Path(f"exercises/{number}_{name}/master.ipynb"): notebook(filled("master.txt")),
    }


def notebook(text: str) -> str:
    """A notebook from its cells as text: each begins with a line ``%% KIND ID TAGS``; its facts come first.

    The tag ``fold`` hides a cell's code. Kinds are ``text``, ``code`` and, in a master, ``given``,
    ``solution`` and ``check``, which say what nbgrader is to do with a code cell.
    """
    facts, *parts = re.split(r"^%% ", text, flags=re.MULTILINE)
    cells = []
    for part in parts:
        head, _, source = part.partition("\n")
        kind, identity, *tags = head.split()
        metadata: dict = {"jupyter": {"source_hidden": True}} if "fold" in tags else {}
        tags = [tag for tag in tags if tag != "fold"]
        if tags:
            metadata["tags"] = tags
        if kind in ("given", "solution", "check"):
            metadata["nbgrader"] = _nbgrader(identity, kind)
        cell = {"id": identity, "metadata": metadata, "source": source.strip().splitlines(keepends=True)}
        code = {"cell_type": "code", "execution_count": None, "outputs": []}
        cells.append({**({"cell_type": "markdown"} if kind == "text" else code), **cell})
    document = {"cells": cells, "metadata": {"crmlab": json.loads(facts)}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _nbgrader(identity: str, kind: str) -> dict:
    grading = {
        "grade": kind == "check",
        "grade_id": identity,
        "locked": kind != "solution",
        "schema_version": 3,
        "solution": kind == "solution",
        "task": False,
    }
    return grading | ({"points": 2} if kind == "check" else {})
