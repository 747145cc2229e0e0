"""On PYTHONPATH, this keeps a Python process from reaching any machine but its own.

What it tried to reach is noted in the file that NO_NETWORK_LOG names, if it does.
"""

import os
import socket

_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex
_sendto, _getaddrinfo = socket.socket.sendto, socket.getaddrinfo
_HERE = ("127.", "::1", "localhost", "0.0.0.0")


def _refuse(address):
    host = address[0] if isinstance(address, tuple) else address
    if (
        isinstance(address, tuple)
        and host is not None
        and not str(host).startswith(_HERE)
        and str(host) != ""
    ):
        if os.environ.get("NO_NETWORK_LOG"):
            with open(os.environ["NO_NETWORK_LOG"], "a") as log:
                print(address, file=log)
        raise OSError(f"network is not allowed here: {address!r}")


def _guarded(method, position):
    def guarded(self, *arguments):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse(arguments[position])
        return method(self, *arguments)

    return guarded


def _lookup(host, *arguments, **options):
    _refuse((host.decode() if isinstance(host, bytes) else host,))
    return _getaddrinfo(host, *arguments, **options)


socket.socket.connect = _guarded(_connect, 0)
socket.socket.connect_ex = _guarded(_connect_ex, 0)
socket.socket.sendto = _guarded(_sendto, -1)
socket.getaddrinfo = _lookup
