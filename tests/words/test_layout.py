"""Text in columns: Chinese takes two, and every table stands."""

from crmlab.words.layout import fill, lines, pad, width


def test_a_chinese_character_takes_two_columns_and_an_accent_none():
    assert [width(each) for each in ("loyal", "忠诚", "é", "e\u0301", "")] == [5, 4, 1, 1, 0]
    assert pad("忠诚", 6) + "|" == "忠诚  |" and pad("loyal", 3) == "loyal"


def test_columns_stand_under_each_other():
    made = lines([["忠诚", "1"], ["satisfaction", "2"]])
    assert [width(line) for line in made] == [len("satisfaction  1")] * 2


def test_text_without_blanks_is_broken_too():
    assert fill("客户终身价值", 6).splitlines() == ["客户终", "身价值"]
    assert fill("commitment per unit of trust", 15).splitlines() == ["commitment per", "unit of trust"]
