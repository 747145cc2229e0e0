"""Copies are the master, except for blanks."""

import ast
import json
import re

import nbformat
import pytest

from crmlab.cli import main
from crmlab.errors import InputError
from crmlab.exercises.copies import BLANK, blank, make_copy, set_parameters, solved, start
from crmlab.exercises.masters import BEGIN, END, answer_call, master, masters, role

NAMES = sorted(masters())


def tidy(notebook):
    """Cells as ``{id: (type, source)}``."""
    return {cell.id: (cell.cell_type, cell.source) for cell in notebook.cells}


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_its_master_except_for_blanks(name):
    exercise = master(name)
    copy = make_copy(exercise, exercise.check_parameters({"seed": 4711}))
    there = {cell.id: cell for cell in exercise.notebook.cells}
    kept = [cell.id for cell in exercise.notebook.cells if role(cell) != "reference"]
    assert [cell.id for cell in copy.cells] == kept
    for cell in copy.cells:
        original = there[cell.id]
        assert cell.cell_type == original.cell_type
        assert cell.metadata.get("nbgrader") == original.metadata.get("nbgrader")
        assert cell.metadata.get("jupyter") == original.metadata.get("jupyter"), "folded as in the master"
        match role(original):
            case "prose" | "given":
                assert cell.source == original.source
            case "parameters":
                assert cell.source.replace("seed = 4711", "seed = 1") == original.source
            case "check":
                call, whole = answer_call(cell.source), answer_call(original.source)
                assert not call.keywords
                assert list(map(ast.dump, call.args)) == list(map(ast.dump, whole.args))
            case "solution":
                outside = re.sub(rf"{BEGIN}\n.*?{END}", "", original.source, flags=re.DOTALL)
                stub = rf"{BLANK}(\n\w+ = \.\.\.)*"
                assert re.sub(stub, "", cell.source) == outside


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_solution_or_the_hints_is_in_a_copy(name):
    exercise = master(name)
    text = json.dumps(make_copy(exercise, exercise.check_parameters({})))
    for secret in ("SOLUTION", "misconceptions", "hints=", "tolerance", "reference", "moral"):
        assert secret not in text, secret


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_a_valid_notebook_and_the_same_each_time(name):
    exercise = master(name)
    one, other = (make_copy(exercise, exercise.check_parameters({"seed": 5})) for _ in range(2))
    nbformat.validate(one)
    assert nbformat.writes(one) == nbformat.writes(other)
    assert one.nbformat_minor == 5
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in one.cells)


def test_solved_puts_back_the_solutions_of_the_questions_named():
    exercise = master("09")
    blank_ = make_copy(exercise, exercise.check_parameters({}))
    one, both = solved(blank_, exercise, ["q2"]), solved(blank_, exercise)
    assert [name for name in tidy(one) if tidy(one)[name] != tidy(blank_)[name]] == ["q2-solution"]
    assert sum(BEGIN in source for _, source in tidy(both).values()) == 3
    assert BEGIN not in json.dumps(blank_), "the copy it was made from is left as it was"


# ------------------------------------------------------------------------------------------------ blanks


@pytest.mark.parametrize(
    "inside, after, used, stub",
    [
        ("x = 1", "", {"x"}, ["x = ..."]),
        ("x = 1\ny = 2\nz = x + y", "", {"z"}, ["z = ..."]),
        ("x = 1\ny = 2", "print(x)", set(), ["x = ..."]),
        ("x, (y, *z) = 1, (2, 3)", "", {"x", "y", "z"}, ["x = ...", "y = ...", "z = ..."]),
        ("x: int = 1\nx += 1", "", {"x"}, ["x = ..."]),
        ("for i in range(3):\n    t = i", "", {"i", "t"}, ["i = ...", "t = ..."]),
        ("with open('f') as f:\n    pass", "", {"f"}, ["f = ..."]),
        ("y = [i for i in range(3)]", "", {"i", "y"}, ["y = ..."]),
        ("def f(a):\n    b = a\n    return b", "", {"f", "a", "b"}, ["f = ..."]),
        ("import numpy.linalg\nimport os as o", "", {"numpy", "o"}, ["numpy = ...", "o = ..."]),
        ("if (n := 3) > 2:\n    pass", "", {"n"}, ["n = ..."]),
        ("table['gain'] = 1", "", {"table"}, []),
        ("# nothing but a comment", "", {"x"}, []),
    ],
)
def test_a_blank_sets_what_later_code_needs(inside, after, used, stub):
    source = "\n".join(["before = 0", BEGIN, inside, END, *([after] if after else [])])
    assert blank(source, used).splitlines() == ["before = 0", BLANK, *stub, *([after] if after else [])]


def test_blanks_inside_functions():
    source = f"def f(a):\n    {BEGIN}\n    b = a\n    return b\n    {END}\n\n\nprint(f(1))"
    assert blank(source, set()) == f"def f(a):\n    {BLANK}\n    return ...\n\n\nprint(f(1))"
    source = f"def f(a):\n    {BEGIN}\n    b = a\n    {END}\n    return b"
    assert blank(source, set()) == f"def f(a):\n    {BLANK}\n    b = ...\n    return b"
    source = f"if True:\n    {BEGIN}\n    print(1)\n    {END}"
    assert blank(source, set()) == f"if True:\n    {BLANK}\n    ..."


def test_two_blanks_in_a_cell():
    source = f"{BEGIN}\nx = 1\n{END}\nprint(x)\n{BEGIN}\ny = x\n{END}"
    assert blank(source, {"y"}) == f"{BLANK}\nx = ...\nprint(x)\n{BLANK}\ny = ..."


@pytest.mark.parametrize("source", [BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}\n{BEGIN}\n{END}"])
def test_markers_without_partner_are_refused(source):
    with pytest.raises(SyntaxError, match="SOLUTION"):
        blank(source, set())


def test_parameters_are_set_and_comments_kept():
    source = "a = 1  # größe, 0 to 9\nb = [1,\n     2]  # list\nname = 'é'  # word"
    assert (
        set_parameters(source, {"a": 7, "b": [3], "name": "ü"})
        == "a = 7  # größe, 0 to 9\nb = [3]  # list\nname = 'ü'  # word"
    )


# ------------------------------------------------------------------------------------------ crmlab start


def test_start_writes_a_copy_and_says_what_next(tmp_path, capsys):
    assert main(["start", "09", "--seed", "12", "--out", str(tmp_path / "mine")]) == 0
    path = tmp_path / "mine" / "09_loyalty_exercises.ipynb"
    assert nbformat.read(path, 4).cells[1].source.startswith("seed = 12 ")
    assert f"crmlab check {path}" in capsys.readouterr().out


def test_start_writes_beside_the_lessons_unless_told_where(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path / "work"))
    assert main(["start", "09", "--seed", "12"]) == 0
    assert (tmp_path / "work" / "09_loyalty_exercises.ipynb").is_file()
    assert "crmlab open 09 --exercises" in capsys.readouterr().out


def test_start_draws_a_seed_of_its_own(tmp_path):
    seeds = {start("loyalty", out=tmp_path / str(number))[2]["seed"] for number in range(5)}
    assert len(seeds) == 5
    assert all(0 <= seed <= 999_999_999 for seed in seeds)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nope"], "09_loyalty"),
        (["09", "--seed", "x"], "whole number"),
        (["09", "--seed", "-1"], "range"),
        (["09", "--seed", "1000000000"], "range"),
        (["09", "--out", "a_file/x"], "is a file"),
        ([], "LESSON"),
        (["09", "--seed", "1e3"], "whole number"),
    ],
)
def test_start_refuses_bad_input_in_one_sentence(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").write_text("")
    assert main(["start", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["a_file"]


def test_start_never_overwrites(tmp_path):
    path, *_ = start("09", 1, tmp_path)
    path.write_text("my work")
    with pytest.raises(InputError, match="is there already"):
        start("09", 2, tmp_path)
    assert path.read_text() == "my work"


@pytest.mark.parametrize("which", ["09", "9", 9, "loyalty", "09_loyalty", " 09 "])
def test_an_exercise_is_found_by_number_or_name(which):
    assert master(which).name == "09_loyalty"
