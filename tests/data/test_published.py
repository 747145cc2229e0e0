"""Published tables: the file is the one on the card, and its numbers give the published results."""

import hashlib

import numpy as np
import pytest

from crmlab.data import load_contract_survivors, load_reichheld_sasser
from crmlab.models.btyd import ShiftedBetaGeometric


@pytest.mark.parametrize("name", ["contract_survivors", "reichheld_sasser_1990"])
def test_card(root, name):
    data = (root / "datasets" / f"{name}.csv").read_bytes()
    card = (root / "datasets" / f"{name}.md").read_text(encoding="utf-8")
    assert hashlib.sha256(data).hexdigest() in card
    for part in ("**Source:**", "**Licence:**", "**Rows:**"):
        assert part in card
    for column in data.decode().splitlines()[0].split(","):
        assert f"`{column}`" in card


def test_survivors_give_the_published_parameters():
    table = load_contract_survivors()
    assert table.shape == (13, 2)
    regular = ShiftedBetaGeometric().fit(table["regular"].loc[0:7])
    assert np.round(regular.params_.to_numpy(), 3) == pytest.approx([0.704, 1.182])
    assert round(regular.log_likelihood_, 1) == -1680.3
    high_end = ShiftedBetaGeometric().fit(table["high_end"].loc[0:7])
    assert np.round(high_end.params_.to_numpy(), 3) == pytest.approx([0.668, 3.806])


def test_five_percent():
    assert list(load_reichheld_sasser()["profit_gain_percent"]) == [85, 50, 30]
