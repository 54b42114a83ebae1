"""Nobody else is given a port between its choice and the start of its server."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.ports import BLOCK, BLOCKS, NoFreePortError, free_ports

# A process that draws ports, tells them, and lives until its input ends.
_OTHER = """
import sys
from local.ports import free_ports
print(*free_ports(20), flush=True)
sys.stdin.read()
"""


def _start() -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own program, above
        [sys.executable, "-c", _OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _told(process: "subprocess.Popen[str]") -> set[int]:
    assert process.stdout is not None
    return {int(port) for port in process.stdout.readline().split()}


@pytest.fixture
def others() -> "Iterator[list[subprocess.Popen[str]]]":
    with ExitStack() as stack:
        yield [stack.enter_context(_start()) for _ in range(4)]


def test_processes_that_run_at_once_are_given_different_ports(
    others: "list[subprocess.Popen[str]]",
) -> None:
    drawn = [set(free_ports(20)), *(_told(other) for other in others)]
    assert [len(ports) for ports in drawn] == [20] * len(drawn)
    assert len(set().union(*drawn)) == 20 * len(drawn)


def test_ports_are_none_that_the_system_gives_to_outgoing_connections() -> None:
    settings = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first_of_the_systems = int(settings.read_text().split()[0]) if settings.exists() else 49_152
    assert all(BLOCKS.start < port < first_of_the_systems for port in free_ports(20))


def test_the_same_port_does_not_come_again_soon() -> None:
    drawn = [port for _ in range(BLOCK // 4) for port in free_ports(2)]
    assert len(set(drawn)) == len(drawn)


def test_a_port_that_is_in_use_is_passed_over() -> None:
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        drawn = [each for _ in range(2 * BLOCK) for each in free_ports(1)]
    assert port not in drawn
    assert free_ports(1) == [port]  # it has waited longest


def test_more_ports_than_there_are_is_an_error() -> None:
    with pytest.raises(NoFreePortError, match=f"{BLOCK} ports are wanted"):
        free_ports(BLOCK)
