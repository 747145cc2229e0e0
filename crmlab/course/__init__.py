"""A course: releasing copies, collecting and grading what comes back, feedback and gradebook.

One folder holds it, laid out as nbgrader's::

    course.toml  roster.csv  overrides.csv  .secret      what the instructor says, and the secret
    source/NAME/master.ipynb                             the master as it was released
    release/NAME/STUDENT/NAME_STUDENT.ipynb              everyone's own copy (or a zip)
    submitted/STUDENT/NAME/NAME.ipynb                    what came back
    collected/NAME.json, NAME.csv, NAME_doubtful.csv     where it came from
    marking/NAME/GRADER.csv, GRADER.html                 answers in words, and what people give them
    regraded/NAME.json, NAME/                            points kept and corrections proposed by regrades
    autograded/NAME/STUDENT.json, overview.html          reports, and the instructor's page
    feedback/NAME/STUDENT.html                           what a student gets
    gradebook.csv  gradebook/                            marks, and files to import elsewhere
    audit.jsonl                                          what was done when, with which master and walls
"""
