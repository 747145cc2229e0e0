"""No lesson needs the network: they run where it cannot be reached (test_lessons.py), and here is why one that
does would be found."""

import nbformat
import pytest

from .common import PREFIX

REACHING = {
    "an address": "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
    "a name": "import socket; socket.getaddrinfo('example.org', 80)",
    "a page": "import urllib.request; urllib.request.urlopen('http://192.0.2.1/', timeout=1)",
    "a datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "quietly": "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\nexcept OSError:\n    pass",
}


def reaching(folder, code):
    path = folder / "reaching.ipynb"
    cells = [
        nbformat.v4.new_code_cell(code),
        nbformat.v4.new_code_cell("from crmlab.notebook import record\nrecord('end', 1)"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.mark.parametrize("way", REACHING)
def test_one_that_reaches_out_would_be_found(way, offline, tmp_path):
    done = offline(reaching(tmp_path, REACHING[way]), prefix=[])
    assert "192.0.2.1" in done.tried or "example.org" in done.tried
    if way == "quietly":
        assert done.ok
    else:
        assert "network is not allowed here" in done.error["message"]


@pytest.mark.skipif(not PREFIX, reason="this system does not let us take the network away (unshare --net)")
def test_past_python_there_is_no_network_either(offline, tmp_path):
    """A library in C is not held by what Python forbids; there is no interface for it."""
    code = (
        "import subprocess, sys\nfound = subprocess.run([sys.executable, '-S', '-I', '-c', "
        "'import socket; socket.create_connection((\"192.0.2.1\", 80), timeout=1)'], capture_output=True, text=True)\n"
        "assert found.returncode == 0, found.stderr.splitlines()[-1]"
    )
    assert "Network is unreachable" in offline(reaching(tmp_path, code)).error["message"]


def test_this_machine_itself_can_be_reached(offline, tmp_path):
    code = (
        "import socket\nlistener = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(listener.getsockname(), timeout=60)\nsocket.getaddrinfo('localhost', 80)"
    )
    done = offline(reaching(tmp_path, code), prefix=[])
    assert done.ok and done.tried == ""
