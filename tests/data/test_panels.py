"""A scanner panel in the rows of a choice model."""

import pandas as pd
import pytest

from crmlab.data import choice_rows, repeat_choices
from crmlab.errors import InputError

PANEL = pd.DataFrame(
    {
        "id": [7, 7],
        "choice": ["a", "b"],
        **{f"{part}.{brand}": [1.0, 2.0] for part in ("disp", "feat") for brand in "ab"},
        "price.a": [10.0, 20.0],
        "price.b": [30.0, 40.0],
    }
)


def test_a_row_for_each_purchase_and_brand():
    rows = choice_rows(PANEL, ["b", "a"])
    assert rows.brand.tolist() == ["b", "a"] * 2 and rows.visit.tolist() == [0, 0, 1, 1]
    assert rows.price.tolist() == [30, 10, 40, 20] and rows.chosen.tolist() == [0, 1, 1, 0]
    assert rows.a.tolist() == [0, 1, 0, 1] and "b" not in rows and set(rows.household) == {7}


def test_an_unknown_brand_is_refused():
    with pytest.raises(InputError, match="unknown brand 'c'"):
        choice_rows(PANEL, ["a", "c"])


def test_the_brand_bought_last_and_no_first_purchase():
    panel = pd.concat([PANEL, PANEL.assign(id=[8, 8])], ignore_index=True)
    rows = repeat_choices(panel, ["a", "b"])
    assert rows.household.tolist() == [7, 7, 8, 8] and rows["last"].tolist() == [1, 0, 1, 0]
    with pytest.raises(InputError, match="do not follow each other"):
        repeat_choices(panel.iloc[[0, 2, 1, 3]], ["a", "b"])
