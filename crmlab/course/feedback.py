"""Writing everyone's feedback page, zips of them for learning platforms, and the instructor's overview."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from crmlab import files
from crmlab.course.batch import read_reports
from crmlab.course.folder import Course
from crmlab.course.marks import Mark, marks
from crmlab.course.platforms import feedback_zips
from crmlab.errors import InputError, listing
from crmlab.exercises.masters import Master
from crmlab.words import ENGLISH, FOLDER


@dataclass
class Feedback:
    """What was written.

    Attributes
    ----------
    exercise : str
    pages, zips : list of Path
    overview : Path or None
    open, unmarked : int
        Students without a mark, and those of whom people have still to mark a question.
    """

    exercise: str
    pages: list[Path] = field(default_factory=list)
    zips: list[Path] = field(default_factory=list)
    overview: Path | None = None
    open: int = 0
    unmarked: int = 0


def write_feedback(course: Course, which: str, on_page: Callable[[], object] | None = None) -> Feedback:
    """Write ``feedback/NAME/STUDENT.html`` for everyone who has a mark, the zips, and the overview."""
    from crmlab.course.pages import student_page

    exercise = course.exercise(which)
    found = marks(course, exercise)
    if all(mark.status == "not graded" and mark.total is None for mark in found):
        raise InputError(f"{exercise.name} has not been graded; crmlab grade {exercise.name} does it")
    done, pages = Feedback(exercise.name), {}
    for mark in found:
        path = course.feedback(exercise.name, mark.student.id)
        if mark.total is None and mark.status != "excused":
            done.open += 1
            path.unlink(missing_ok=True)
        else:
            parameters = exercise.check_parameters({"seed": course.seed(exercise, mark.student.id)})
            with speaking(mark.student.extra.get("language") or course.language):
                text = student_page(course, exercise, mark, parameters)
            pages[mark.student.id] = files.write_text(path, text)
        if on_page:
            on_page()
    done.pages, done.unmarked = list(pages.values()), sum(bool(mark.open) for mark in found)
    for platform, data in feedback_zips(course, found, pages).items():
        path = course.path("gradebook", f"{platform}_{exercise.name}_feedback.zip")
        done.zips.append(files.write_bytes(path, data))
    done.overview = write_overview(course, exercise, found)
    course.log("feedback", exercise=exercise.name, pages=len(done.pages))
    return done


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Words are looked up in a language meanwhile; in ours where none is given.

    Raises
    ------
    InputError
        If there is no edition in it.
    """
    if not language:
        yield
        return
    known = {ENGLISH, *(path.name for path in (FOLDER / "locales").glob("*") if path.is_dir())}
    wanted = language.replace("-", "_")
    found = next((each for each in sorted(known) if each.casefold() == wanted.casefold()), None)
    if found is None:
        raise InputError(f"language is {language!r}; there are {listing(sorted(known))}")
    before = os.environ.get("CRMLAB_LANGUAGE")
    os.environ["CRMLAB_LANGUAGE"] = found
    try:
        yield
    finally:
        os.environ.pop("CRMLAB_LANGUAGE")
        os.environ.update({} if before is None else {"CRMLAB_LANGUAGE": before})


def write_overview(course: Course, exercise: Master, found: Sequence[Mark] | None = None) -> Path:
    """Write the instructor's page ``autograded/NAME/overview.html``."""
    from crmlab.course.pages import overview_page

    found = marks(course, exercise) if found is None else found
    text = overview_page(course, exercise, found, read_reports(course, exercise.name))
    return files.write_text(course.overview(exercise.name), text)
