"""Writing everyone's feedback page, and the instructor's overview."""

from dataclasses import dataclass, field

from crmlab import files
from crmlab.course.batch import read_reports
from crmlab.course.marks import marks
from crmlab.errors import InputError


@dataclass
class Feedback:
    """What was written."""

    exercise: str
    pages: list = field(default_factory=list)
    overview: object = None
    open: int = 0


def write_feedback(course, which, on_page=None):
    """Write ``feedback/NAME/STUDENT.html`` for everyone who has a mark, and the overview.

    Returns
    -------
    Feedback
    """
    from crmlab.course.pages import student_page

    exercise = course.exercise(which)
    found = marks(course, exercise)
    if all(mark.total is None for mark in found):
        raise InputError(f"{exercise.name} has not been graded; crmlab grade {exercise.name} does it")
    done = Feedback(exercise.name)
    for mark in found:
        path = course.feedback(exercise.name, mark.student.id)
        if mark.total is None:
            done.open += 1
            path.unlink(missing_ok=True)
        else:
            parameters = exercise.check_parameters({"seed": course.seed(exercise, mark.student.id)})
            done.pages.append(files.write_text(path, student_page(course, exercise, mark, parameters)))
        if on_page:
            on_page()
    done.overview = write_overview(course, exercise, found)
    course.log("feedback", exercise=exercise.name, pages=len(done.pages))
    return done


def write_overview(course, exercise, found=None):
    """Write the instructor's page ``autograded/NAME/overview.html``."""
    from crmlab.course.pages import overview_page

    found = marks(course, exercise) if found is None else found
    text = overview_page(course, exercise, found, read_reports(course, exercise.name))
    return files.write_text(course.overview(exercise.name), text)
