"""What moves in a lesson: explorables, predictions made before a result is seen, quizzes after a sitting."""

from crmlab.widgets.controls import choice, slider
from crmlab.widgets.explorable import Explorable
from crmlab.widgets.market import explore_market, one_cohort, power_curve
from crmlab.widgets.predicting import Prediction, predict
from crmlab.widgets.quiz import Question, quiz

__all__ = [
    "Explorable",
    "Prediction",
    "Question",
    "choice",
    "explore_market",
    "one_cohort",
    "power_curve",
    "predict",
    "quiz",
    "slider",
]
