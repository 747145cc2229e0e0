"""Cards of systems: whole, without contradictions, honest about what nobody checked."""

import pytest

from crmlab.data.exports.canonical import TABLES
from crmlab.data.exports.cards import FOLDER, card, cards, normalised, read_card
from crmlab.errors import InputError


@pytest.mark.parametrize("system", list(cards()))
def test_a_card_knows_every_table_and_what_each_needs(system):
    known = card(system)
    assert set(known.tables) == set(TABLES)
    for name, table in known.tables.items():
        for field in TABLES[name]:
            assert not field.needed or table.columns.get(field.name), (name, field.name)
    assert known.not_verified and known.verified and known.losses
    assert {"won", "lost"} <= set(known.tables["deals"].states) and known.tables["orders"].states["void"]


@pytest.mark.parametrize("system", list(cards()))
def test_labels_are_known_in_english_and_in_chinese(system):
    for name in ("customers", "deals"):
        labels = [label for each in card(system).tables[name].columns.values() for label in each]
        assert any(label.isascii() for label in labels) and any(
            "\u4e00" <= label[0] <= "\u9fff" for label in labels
        )


def test_labels_are_compared_without_what_people_change():
    assert normalised("Account_Name.ID ") == normalised("account name id")
    assert normalised("\uff21mount") == "amount"


@pytest.mark.parametrize(
    "old, new, why",
    [
        ('name = "Zoho CRM"\n', "", "does not say: name"),
        ('name = "Zoho CRM"\n', 'name = "Zoho CRM"\ncolour = "red"\n', "unknown key in zoho.toml 'colour'"),
        ("[tables.members]", "[tables.clubs]", "unknown table of zoho.toml 'clubs'"),
        ("tier = [", "tears = [", "unknown column of members in zoho.toml 'tears'"),
        ('amount = ["Amount",', 'amount = ["Stage",', "label 'Stage' of deals is given to two columns"),
        ('won = ["Closed Won"', 'gained = ["Closed Won"', "unknown state of deals"),
        ('delimiter = ","\n', "", "write of zoho.toml does not say: delimiter"),
        ('p_alive = "P Alive"\n', "", "scores of zoho.toml does not say: p_alive"),
        ("[write]", "[write", "is no TOML"),
    ],
)
def test_a_card_that_cannot_be_is_refused(tmp_path, old, new, why):
    text = (FOLDER / "zoho.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "zoho.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=why):
        read_card(tmp_path / "zoho.toml")


def test_a_system_that_has_no_card_is_told():
    with pytest.raises(InputError, match="unknown system 'sugar'; known: fxiaoke, hubspot, salesforce, zoho"):
        card("sugar")
