"""Free TCP ports of the loopback interface, for servers that start a little later.

A port that the system picks can be picked again, by another process or for an outgoing connection,
before the server that it is meant for listens. So each process takes its ports from a block of its
own, below those that Linux (32768) and macOS (49152) pick from. It holds the block by listening on
the block's first port until it ends; nobody has to give one back.
"""

import atexit
import socket
from contextlib import suppress
from functools import cache
from itertools import islice

from shared.errors import PipelineError

BLOCK = 100
BLOCKS = range(20_000, 32_000, BLOCK)
_HOST = "127.0.0.1"


class NoFreePortError(PipelineError):
    """So many ports are taken on this machine that none is left to choose."""


def free_ports(count: int) -> list[int]:
    """Return that many different ports which are free now and no other process will be given.

    Those returned long ago come again when their turn comes, if they are free. Raises
    NoFreePortError.
    """
    return _own_block().take(count)


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    try:
        _listening(port).close()
    except OSError:
        return False
    return True


class _Block:
    """Ports that are this process's to give."""

    def __init__(self, first: int) -> None:
        self._ports = list(range(first + 1, first + BLOCK))

    def take(self, count: int) -> list[int]:
        """Return ports that are free now, those first that were not given for longest."""
        taken = list(islice((port for port in self._ports if is_free(port)), count))
        if len(taken) < count:
            raise NoFreePortError(f"{count} ports are wanted, and only {len(taken)} are free")
        self._ports = [port for port in self._ports if port not in taken] + taken
        return taken


@cache
def _own_block() -> _Block:
    for first in BLOCKS:
        with suppress(OSError):
            # Open until the process ends: it is what holds the block.
            atexit.register(_listening(first).close)
            return _Block(first)
    raise NoFreePortError(f"every block of ports from {BLOCKS.start} to {BLOCKS.stop} is taken")


def _listening(port: int) -> socket.socket:
    """Return a socket that listens on a port. Raises OSError when somebody else has it."""
    listener = socket.socket()
    # As servers do: connections that ended a moment ago are no hindrance, other listeners are.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
