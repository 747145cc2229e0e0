"""Ctrl-C reaches what a test starts, also in a shell's background, which has programs ignore it."""

import signal


def pytest_configure():
    """Children start with what their parent does: the usual, here and in each of xdist's workers."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
