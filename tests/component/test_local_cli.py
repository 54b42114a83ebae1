"""The local commands that need no running world, and what they say when they need one."""

import argparse
import json
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from local.cli import _duration, _named_port, main
from local.config import HOST, WorldConfig, load, prepare
from shared import messages
from shared.adapters.sqlite_queue import SqliteQueue
from shared.adapters.sqlite_stores import SqliteOrderStore
from shared.domain.order import Change, Order
from tests.builders import invoiced_order, order_created

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def world(tmp_path: Path) -> WorldConfig:
    """Return a world that is not running."""
    config = prepare(tmp_path / "world", "embedded", {})
    config.write()
    return config


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(*arguments: str | Path) -> tuple[int, str]:
        status = main([str(argument) for argument in arguments])
        # The console breaks lines where a terminal would.
        return status, " ".join(capsys.readouterr().out.split())

    return run_command


def store(world: WorldConfig, order: Order) -> Order:
    orders = SqliteOrderStore(world.data_dir / "orders.db")
    orders.transact(order.id, lambda _current, _days: Change(order=order))
    orders.close()
    return order


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_world_that_runs_is_neither_started_twice_nor_removed(
    command: str, world: WorldConfig, run: Run
) -> None:
    with socket.create_server((HOST, world.ports["shop"])):
        status, output = run(command, "--folder", world.folder)
    assert status == 1
    assert f"in use by another process: port {world.ports['shop']} (shop)" in output
    assert "stop it first" in output
    assert load(world.path) == world


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("24h", timedelta(hours=24)),
        ("2d", timedelta(days=2)),
        ("1.5h", timedelta(minutes=90)),
        ("0s", timedelta()),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text: str, expected: timedelta) -> None:
    assert _duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10", "h", "-1h", "1 h", "1w", "1h30m", "1e3s", "1.h", "9" * 20 + "d"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not like 90s, 10m, 24h or 2d"):
        _duration(text)


def test_a_port_is_given_by_name() -> None:
    assert _named_port("shop=8080") == ("shop", 8080)
    assert _named_port("create_invoice=1") == ("create_invoice", 1)


@pytest.mark.parametrize(
    "text", ["8080", "shop", "shop=", "shop=x", "bar=80", "shop=-1", "=80", "shop=0", "shop=65536"]
)
def test_anything_else_is_no_port(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not NAME=PORT of a known server"):
        _named_port(text)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["advance"],
        ["advance", "soon"],
        ["up", "--port", "bar=80"],
        ["up", "--backend", "gcp"],
        ["demo", "--orders", "six"],
    ],
)
def test_what_is_no_command_is_refused_with_its_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m local")


@pytest.mark.parametrize(
    "command", [["order", "NUS-1"], ["advance", "1h"], ["publish", "order.json"]]
)
def test_a_folder_without_a_world_is_named_with_the_way_out(
    command: list[str], run: Run, tmp_path: Path
) -> None:
    status, said = run(*command, "--folder", tmp_path / "none")
    assert status == 1
    assert said.replace(" ", "").endswith("none;startonewith`python-mlocalup`")
    assert not (tmp_path / "none").exists()


def test_a_file_is_published_as_it_is(world: WorldConfig, run: Run, tmp_path: Path) -> None:
    queue = SqliteQueue(world.data_dir / "queue.db")
    queue.subscribe("test", "order.created")
    file = tmp_path / "order.json"
    file.write_bytes(messages.encode(order_created()) + b"\n")
    told = run("publish", file, "--folder", world.folder)
    assert told == (0, "published on order.created")
    (message,) = queue.lease(world.clock.now(), timedelta(minutes=1), {"test": 10})
    assert (message.data, message.attributes) == (file.read_bytes(), {})
    queue.close()


def test_a_file_that_is_not_there_is_named(world: WorldConfig, run: Run) -> None:
    status, said = run("publish", "no-order.json", "--folder", world.folder)
    assert status == 1
    assert said.startswith("no-order.json cannot be read")


def test_an_order_is_shown_with_its_history(world: WorldConfig, run: Run) -> None:
    order = store(world, invoiced_order(subject="Review [/b] of [red]portfolios[/red]"))
    status, said = run("order", order.id, "--folder", world.folder)
    assert status == 0
    assert said == (
        "NUS-2026-000123: invoiced · Review [/b] of [red]portfolios[/red]"
        " 2026-11-24 02:00:05 pending 2026-11-24 02:00:05 invoiced"
    )


def test_an_order_is_shown_whole_as_json(
    world: WorldConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    order = store(world, invoiced_order(subject="Review [/b] of portfolios"))
    assert main(["order", order.id, "--json", "--folder", world.folder]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["id"], told["status"], told["subject"]) == (order.id, "invoiced", order.subject)


def test_an_order_that_is_not_there_is_named(world: WorldConfig, run: Run) -> None:
    told = run("order", "NUS-[404]", "--folder", world.folder)
    assert told == (1, "there is no order NUS-[404]; see the rejected messages")


def test_time_cannot_be_moved_in_a_world_that_does_not_run(world: WorldConfig, run: Run) -> None:
    status, said = run("advance", "1h", "--folder", world.folder)
    assert status == 1
    assert "is not running" in said
    assert not (world.path / "clock.json").exists()


def test_a_world_keeps_its_ports_and_token_and_takes_asked_ones(world: WorldConfig) -> None:
    again = prepare(world.path, "embedded", {"shop": 8080})
    assert again.callback_token == world.callback_token
    assert again.ports == world.ports | {"shop": 8080}
    assert load(world.path) == world
