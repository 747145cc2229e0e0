"""Code that is alike: whatever its names, numbers and layout, and however short of the whole.

Code becomes a sequence of tokens in which the author's own names count by the order in which they appear; its
fingerprint is the set of all runs of `RUN` tokens (Schleimer, Wilkerson and Aiken 2003).
Runs that much of the class has are the exercise's doing, not a neighbour's, and
count for nothing.
"""

import hashlib
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

RUN = 8  # tokens
LONGEST = 10_000  # characters of a question's code that are looked at
MOST = 600  # runs that are kept
ENOUGH = 20  # runs that two must share before that says anything
ALIKE = 0.8  # of the shorter one's runs
COMMON = 0.1  # of the class: what more have is no sign of anything
FEW = 3  # students who may have a run in a class of any size

_TOKEN = re.compile(
    r"""(?P<skip>\#[^\n]*|\s+|\\\n)
    |(?P<string>[rbfuRBFU]{0,2}(?:'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<number>\d[\w.]*)
    |(?P<name>[^\W\d]\w*)
    |(?P<operator>==|!=|<=|>=|\*\*|//|->|:=|.)""",
    re.VERBOSE | re.DOTALL,
)


def fingerprint(code: str, given: Collection[str] = ()) -> list[str]:
    """Digests of all runs of tokens in `code`, sorted.

    Parameters
    ----------
    code : str
    given : collection of str
        Names that the exercise gives to all; others are the author's own.
    """
    tokens = list(_tokens(code[:LONGEST], given))
    runs = {" ".join(tokens[at : at + RUN]) for at in range(max(len(tokens) - RUN + 1, 0))}
    return sorted(hashlib.blake2b(run.encode(), digest_size=6).hexdigest() for run in runs)[:MOST]


def _tokens(code, given) -> Iterator[str]:
    own, before = {}, ""
    for match in _TOKEN.finditer(code):
        kind, text = match.lastgroup, match[0]
        if kind == "skip":
            continue
        if kind == "string":
            text = "''"
        elif kind == "number":
            text = "0"
        elif kind == "name" and not (before == "." or keyword.iskeyword(text) or text in given):
            text = own.setdefault(text, f"v{len(own)}")
        yield text
        before = text


@dataclass(frozen=True)
class Alike:
    """Students whose code for a question is alike.

    Attributes
    ----------
    question, student : str
    others : tuple of str
        Whose code it is like.
    answered : int
        Students who answered the question with code of some length.
    """

    question: str
    student: str
    others: tuple[str, ...]
    answered: int


def alike(question: str, class_: Mapping[str, list[str]], expected: Collection[str]) -> list[Alike]:
    """Students whose code shares what few in the class have.

    Parameters
    ----------
    question : str
    class_ : dict of str to list of str
        Fingerprints by student.
    expected : collection of str
        Of the master's solution: what is in it is compared by `like_solution`.
    """
    answered = {student: set(runs) for student, runs in class_.items() if len(runs) >= ENOUGH}
    having = Counter(run for runs in answered.values() for run in runs)
    most = max(FEW, COMMON * len(answered))
    rare = {
        student: {run for run in runs if having[run] <= most and run not in expected}
        for student, runs in answered.items()
    }
    owners = defaultdict(list)
    for student in sorted(rare):
        for run in rare[student]:
            owners[run].append(student)
    shared = Counter()
    for students in owners.values():
        shared.update((one, other) for at, one in enumerate(students) for other in students[at + 1 :])
    found = defaultdict(list)
    for (one, other), count in shared.items():
        if count >= ENOUGH and count >= ALIKE * min(len(rare[one]), len(rare[other])):
            found[one].append(other)
            found[other].append(one)
    return [
        Alike(question, student, tuple(sorted(others)), len(answered))
        for student, others in sorted(found.items())
    ]


def like_solution(question: str, class_: Mapping[str, list[str]], solution: Collection[str]) -> list[Alike]:
    """Students whose code is the master's solution, where few in a class have come to it.

    A class of fewer than ten says nothing about what is common.
    """
    solution = set(solution)
    answered = {student: set(runs) for student, runs in class_.items() if len(runs) >= ENOUGH}
    if len(solution) < ENOUGH or len(answered) < 10:
        return []
    same = sorted(
        student
        for student, runs in answered.items()
        if len(runs & solution) >= 0.9 * len(solution) and len(runs & solution) >= 0.6 * len(runs)
    )
    if len(same) > max(1, 2 * COMMON * len(answered)):
        return []
    return [
        Alike(question, student, tuple(other for other in same if other != student), len(answered))
        for student in same
    ]
