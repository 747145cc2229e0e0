"""Controls of explorables."""

import pytest

from crmlab.widgets.controls import choice, setting, slider


@pytest.mark.parametrize("steps", range(30))
def test_a_slider_is_set_to_the_number_that_it_shows(steps):
    """A browser adds steps up, and with them the dust of binary fractions."""
    control = slider("effect", -0.5, -0.5, 1.0, 0.05)
    control.value = sum([0.05] * steps, -0.5)
    assert setting(control) == round(-0.5 + 0.05 * steps, 2) and len(repr(setting(control))) <= 5


def test_whole_numbers_and_words_are_as_they_are():
    assert setting(slider("customers", 200, 50, 1000)) == 200
    assert setting(choice("estimator", ["naive", "adjusted"], "adjusted")) == "adjusted"
