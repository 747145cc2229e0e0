"""A small course made up from nothing, with a week's worth of an instructor's work in it.

`handins` invents students and what they hand in; `week` the exercise's slip and its correction, answers in
words with two graders, an extension and a dropped question.
"""
