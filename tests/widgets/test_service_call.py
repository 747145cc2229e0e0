"""Lesson 03's explorable: a call is worth what the market says, and the parabola finds what is not there."""

import re

import pytest

from crmlab.mechanisms.calls import talk_reward
from crmlab.theories.service_quality import design, sale_chance
from crmlab.widgets.service_call import explore, in_words


def test_a_call_is_worth_what_its_market_says():
    said = in_words(talk=0.5, enthusiasm=1.0, fits=1, peak=0.3, bend=8.0, rise=0.0)
    points = talk_reward(0.5, 0.3, 8.0, 0.0) + design.parameters.match
    assert f"{points:.2f} points" in said and f"{sale_chance(design.parameters, 1.0):.0%}" in said


def test_the_parabola_finds_a_u_where_talk_stops_helping_and_two_lines_do_not():
    explorable = explore(seed=3)
    explorable.set(bend=0.0, rise=2.0)
    (alt,) = re.findall(r'alt="([^"]*)"', explorable.picture.value)
    lines, arch = map(int, re.findall(r"(\d+)% (?:of cohorts )?by", alt.replace("in ", "")))
    assert lines <= 20 and arch >= 70


@pytest.mark.parametrize("name", ["talk", "enthusiasm", "fits"])
def test_a_slider_of_the_call_moves_what_is_told(name):
    explorable = explore(seed=3)
    before = explorable.picture.value
    low = {"talk": 0.05, "enthusiasm": -2.0, "fits": 0}[name]
    explorable.set(**{name: low})
    assert explorable.picture.value != before
