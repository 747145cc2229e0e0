"""Messages between grader and warm process: a line of JSON each, over a stream socket, pipes attached.

A socket that keeps messages apart (``SOCK_SEQPACKET``) would do as well; macOS has none.
"""

import json
import socket
from collections.abc import Sequence
from typing import Any

LONGEST = 1 << 16  # bytes of a message


class Channel:
    """One end of the line. A select may wait for it; what is `pending` has been read already.

    Parameters
    ----------
    end : socket
        Of a pair of stream sockets.
    """

    def __init__(self, end: socket.socket) -> None:
        self.end, self.held = end, b""
        self.pipes: list[int] = []

    @classmethod
    def pair(cls) -> tuple["Channel", socket.socket]:
        """A channel, and the socket that is its other end."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(mine), theirs

    def fileno(self) -> int:
        return self.end.fileno()

    def settimeout(self, seconds: float | None) -> None:
        self.end.settimeout(seconds)

    def close(self) -> None:
        self.end.close()

    @property
    def pending(self) -> bool:
        """Whether a message has been read that nobody has taken."""
        return b"\n" in self.held

    def send(self, message: dict[str, Any], pipes: Sequence[int] = ()) -> None:
        data = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self.end, [data], list(pipes)) if pipes else 0
        self.end.sendall(data[sent:])

    def receive(self) -> dict[str, Any] | None:
        """The next message, None when the other end has closed; pipes that came with it are in `pipes`.

        Raises
        ------
        OSError
            If none comes in time.
        """
        while not self.pending:
            data, pipes, _, _ = socket.recv_fds(self.end, LONGEST, 4)
            self.pipes += pipes
            if not data:
                return None
            self.held += data
            if len(self.held) > LONGEST and not self.pending:
                raise OSError("a message without an end")
        line, _, self.held = self.held.partition(b"\n")
        return json.loads(line)

    def take_pipes(self) -> list[int]:
        """Pipes that have come, once."""
        taken, self.pipes = self.pipes, []
        return taken
