"""What goes into a batch and what comes out of it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crmlab.errors import InputError
from crmlab.words.saying import Said

MB = 1 << 20
PER_KIND = 10  # flags of one kind in a report


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes
    ----------
    student : str
        Id from the roster; names the report's file.
    path : pathlib.Path or None
        The notebook; None if nothing was handed in.
    seed : int
        Of the student's own variant. From the roster and the course's secret, never from the notebook.
    problem : str
        What was handed in if it is no notebook: "homework.pdf: a PDF, not a notebook".
    """

    student: str
    path: Path | None
    seed: int
    problem: str = ""


@dataclass(frozen=True)
class Limits:
    """How much one submission may use.

    Attributes
    ----------
    question_seconds, total_seconds : float
        That one question of one variant may be charged, and all of them together: processor time, and a
        fraction of the time asleep (`crmlab.grading.clock`); None for as much as all questions of all
        variants may take one by one.
    memory : int
        Bytes that a process may ask for beyond what the loaded packages take.
    tree : int
        Bytes that all processes of a run may hold together.
    processes : int
    files, scratch : int
        Bytes of the largest file, and of all in the temporary folder.
    output, answer, notebook : int
        Bytes printed in one run, of one answer, of the notebook as handed in.
    """

    question_seconds: float = 20.0
    total_seconds: float | None = None
    memory: int = 2048 * MB
    tree: int = 3072 * MB
    processes: int = 48
    files: int = 64 * MB
    scratch: int = 128 * MB
    output: int = 8 * MB
    answer: int = MB // 2
    notebook: int = 50 * MB

    def __post_init__(self):
        for name, value in asdict(self).items():
            if name == "total_seconds" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise InputError(f"limit {name} is {value!r}; it must be above 0")


@dataclass
class QuestionResult:
    """What became of one question of a submission.

    Attributes
    ----------
    name : str
    possible, points : float
    verdict : str
        One of `crmlab.exercises.verdicts.REASONS`; why there is no answer: missing, timeout, error …; or
        ``manual`` for an answer in words, which people mark.
    reason : Said or None
        What there is to say of it, as a key and facts (`crmlab.words.saying`).
    right, variants : int
        On how many variants the answer was right, of how many.
    share : float
        Of the parts that count one by one, the share that was right on every variant; 1 for a right answer.
    own_right : bool
        Whether the answer was right on the student's own numbers.
    hint : str or None
        The master's.
    misconception : str
    given
        The student's own answer as plain data, if it is short.
    """

    name: str
    possible: float
    points: float = 0
    verdict: str = ""
    reason: Said | None = None
    right: int = 0
    variants: int = 1
    share: float = 0.0
    own_right: bool = False
    hint: str | None = None
    misconception: str = ""
    given: Any = None

    def take(self, judged: dict[str, Any]) -> None:
        """Take over what the judge says of an answer."""
        for name in ("verdict", "reason", "hint", "misconception", "given"):
            setattr(self, name, judged[name])


@dataclass
class Report:
    """What became of one submission.

    Attributes
    ----------
    student, exercise : str
    master : str
        SHA-256 of the master notebook.
    walls : list of str
        That stood while the student's code ran; texts of all are in ``[grading]`` of the words.
    questions : list of QuestionResult
    flags : list of dict
        ``kind``, ``place`` (the cell, if it is one), ``evidence`` (said, or a text that quotes the student's
        code): what a human may want to look at. They cost no points.
    code : dict of str to list of str
        Fingerprint of the student's own code for each question (`crmlab.grading.similarity`).
    key : str
        Digest of everything that the grade depends on.
    """

    student: str
    exercise: str
    master: str
    walls: list[str] = field(default_factory=list)
    questions: list[QuestionResult] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)
    code: dict[str, list[str]] = field(default_factory=dict)
    key: str = ""

    @property
    def score(self) -> float:
        return round(sum(each.points for each in self.questions), 6)

    @property
    def possible(self) -> float:
        return sum(each.possible for each in self.questions)

    def flag(self, kind: str, evidence: Said | str, place: str = "") -> None:
        """Add a flag: one for a kind and `place`, and not many of a kind, so that none is crowded out."""
        same = [each for each in self.flags if each["kind"] == kind]
        quoted = evidence if isinstance(evidence, dict) else printable(evidence, 200)
        known = {"kind": kind, "place": place, "evidence": quoted} in same
        known |= bool(place) and any(each["place"] == place for each in same)
        if not known and len(same) < PER_KIND:
            self.flags.append({"kind": kind, "place": place, "evidence": quoted})

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"score": self.score, "possible": self.possible}

    def text(self) -> str:
        """The report as its file holds it: the same bytes for the same grade."""
        return json.dumps(self.as_dict(), indent=1, sort_keys=True, ensure_ascii=True) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "Report":
        """The report in a file, an earlier version's too. Raises ValueError or TypeError for what is none."""
        told = json.loads(text)
        if not isinstance(told, dict):
            raise ValueError("no report")
        report = cls(**{name: told[name] for name in cls.__dataclass_fields__ if name in told})
        report.questions = [QuestionResult(**each) for each in report.questions]
        return report


def printable(text: Any, most: int) -> str:
    """`text` on one line, without control characters, cut after `most`."""
    clean = "".join(each if each.isprintable() else " " for each in str(text)[: 4 * most])
    clean = " ".join(clean.split())
    return clean if len(clean) <= most else clean[: most - 1] + "…"
