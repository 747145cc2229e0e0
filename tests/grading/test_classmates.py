"""What is alike between classmates: answers, with the chance of it in a class, and code."""

import random

import pytest

from crmlab.grading import grade_batch
from crmlab.grading.classmates import class_chance, given_names, solutions
from crmlab.grading.similarity import ENOUGH, alike, fingerprint, like_solution
from crmlab.words.saying import spoken

from .probe import LIMITS, needs_walls, right_answer

LOOP = """
found = {}
for segment, spend in zip(customers["segment"], customers["spend"]):
    if segment not in found:
        found[segment] = []  # the first of its kind
    found[segment].append(spend)
means = {segment: sum(each) / len(each) for segment, each in found.items() if len(each) > 0}
"""
RENAMED = (
    LOOP.replace("found", "groups").replace("spend,", "s,").replace("each", "values").replace("> 0", ">= 1")
)
OTHER = """
table = customers.pivot_table(index="segment", values="spend", aggfunc=["sum", "count"])
table.columns = ["total", "number"]
table["mean"] = table["total"] / table["number"]
means = table[["mean"]].rename(columns={"mean": "spend"}).reset_index().sort_values("segment")
"""


@pytest.mark.parametrize(
    "pair, students, chance", [(0, 100, 0), (0.03, 100, 0.951), (0.0001, 300, 0.0295), (1, 2, 1), (0.2, 1, 0)]
)
def test_the_chance_is_the_classs(pair, students, chance):
    assert class_chance(pair, students) == pytest.approx(chance, abs=0.001)


def test_a_fingerprint_knows_code_by_what_it_does_not_by_what_it_is_called():
    given = {"customers"}
    spaced = LOOP.replace(" = ", "=").replace("  # the first of its kind", "") + "\n\n# mine\n"
    assert (
        fingerprint(LOOP, given)
        == fingerprint(spaced, given)
        == fingerprint(LOOP.replace("found", "x"), given)
    )
    assert len(fingerprint(LOOP, given)) > ENOUGH
    shared = set(fingerprint(LOOP, given)) & set(fingerprint(OTHER, given))
    assert len(shared) < 3
    assert fingerprint("a = 1") == []


def test_a_fingerprint_of_hostile_text_is_soon_done():
    for text in ("'''" * 10**6, '"' * 10**6, "\\\n" * 10**6, "é" * 10**6, "f'" * 10**6, "1_" * 10**6):
        fingerprint(text)


def test_code_that_few_share_is_told_and_what_is_common_is_not():
    draw, given = random.Random(1), {"customers"}
    own = {
        f"s{number:02}": fingerprint(
            "\n".join(
                f"a{draw.random()} = customers.f{draw.randrange(10**6)}(b[{number}])" for _ in range(9)
            ),
            given,
        )
        for number in range(30)
    }
    class_ = own | {"x1": fingerprint(LOOP, given), "x2": fingerprint(RENAMED, given)}
    found = alike("q2", class_, set())
    assert {each.student: each.others for each in found} == {"x1": ("x2",), "x2": ("x1",)}
    assert found[0].answered == 32
    common = class_ | {f"y{number}": fingerprint(LOOP, given) for number in range(8)}
    assert alike("q2", common, set()) == []
    assert (
        alike("q2", class_, set(fingerprint(LOOP, given))) == []
    )  # the published solution is another matter
    copied = like_solution("q2", class_, fingerprint(LOOP, given))
    assert [each.student for each in copied] == ["x1", "x2"]
    assert like_solution("q2", common, fingerprint(LOOP, given)) == []


def test_the_masters_own_solutions(master):
    found, given = solutions(master), given_names(master)
    assert list(found) == ["q1", "q2", "q3"] and "customers" in given and "total" in given
    assert found["q2"] == fingerprint(
        'means = customers.groupby("segment", as_index=False).spend.mean()', given
    )


@needs_walls
def test_in_a_class(course, master):
    """s1 typed in s0's number, s2 and s3 share a loop, s4 is right on its own numbers alone."""
    course.hand_in("s0", 100)
    course.hand_in("s1", 101, q1=f"total = {right_answer(master, 100)!r}")
    course.hand_in("s2", 102, q2=LOOP)
    course.hand_in("s3", 103, q2=RENAMED)
    course.hand_in("s4", 104, q1=f"total = {right_answer(master, 104)!r}")
    course.hand_in("s5", 105, q2=OTHER)
    drawn = []

    def fresh(student, digest):
        drawn.append((student, digest))
        return [1000 + int(digest[:6] or "0", 16)]

    found = {each.student: each for each in grade_batch(master, course.submissions, fresh, limits=LIMITS)}
    flags = {
        (student, flag["kind"]): spoken(flag["evidence"])
        for student, each in found.items()
        for flag in each.flags
    }
    assert set(flags) == {
        ("s1", "classmate's answer"), ("s2", "similar code"), ("s3", "similar code"), ("s4", "hard-coded"),
    }  # fmt: skip
    assert "s0" in flags["s1", "classmate's answer"] and "class of 6" in flags["s1", "classmate's answer"]
    assert "s3" in flags["s2", "similar code"] and "2 of 3 have it" in flags["s2", "similar code"]
    assert found["s4"].questions[0].own_right and found["s4"].score == 4
    assert len(set(drawn)) == 6  # each submission has its own
