"""What runs inside the walls: a warm process, and the children in which students' code runs.

Nothing here knows a right answer, a secret or more than one submission. All of it may be read by students.
"""
