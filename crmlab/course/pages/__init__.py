"""Pages of a course: a student's, the instructor's overview, a grader's.

Single HTML files that ask nothing of a network. What comes from students or their code is text here, never
markup.
"""

from crmlab.course.pages.marking import marking_page
from crmlab.course.pages.overview import histogram, overview_page
from crmlab.course.pages.student import student_page
from crmlab.course.pages.templates import prose, question_titles, verdict_words

__all__ = [
    "histogram",
    "marking_page",
    "overview_page",
    "prose",
    "question_titles",
    "student_page",
    "verdict_words",
]
