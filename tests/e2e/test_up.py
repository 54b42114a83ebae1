"""The world that a developer keeps open: where it is, what it costs, and that nothing is left."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests import builders
from tests.e2e import commands

MOST_BYTES = 900 * 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "world"


@pytest.fixture
def urls(folder: Path) -> Iterator[dict[str, Any]]:
    file = folder.parent / "urls.json"
    log = folder.parent / "log"
    up = commands.start("up", "--folder", str(folder), "--urls", str(file), log=log)
    try:
        _await(lambda: "Ctrl-C" in log.read_text(), up)
        yield json.loads(file.read_text())
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(timeout=15) == 0
    assert commands.processes_of(folder.parent) == []


def _await(happened: Callable[[], bool], up: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert up.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _eventually_order(folder: Path, order_id: str, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        shown = commands.run("order", order_id, "--json", "--folder", str(folder))
        if shown.returncode == 0:
            order: dict[str, Any] = json.loads(shown.stdout)
            if order["status"] == status:
                return order
        assert time.monotonic() < deadline, shown.stdout
        time.sleep(0.1)


def test_an_order_is_published_followed_and_outlived(
    urls: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    event = builders.order_created(session=builders.session_after(_world_now(urls)))
    file = tmp_path / "order.json"
    file.write_bytes(msgspec.json.encode(event))
    assert commands.run("publish", str(file), "--folder", str(folder)).returncode == 0
    _eventually_order(folder, event.order_id, "invoiced")
    assert commands.run("advance", "25h", "--folder", str(folder)).returncode == 0
    _eventually_order(folder, event.order_id, "expired")
    chats = httpx.get(f"{urls['whatsapp']}/_admin/messages", trust_env=False).json()["messages"]
    kinds = [chat["key"].split(":")[1] for chat in chats]
    assert kinds == ["invoice_ready", "payment_reminder", "invoice_expired"]


def test_a_function_that_is_killed_is_started_again(urls: dict[str, Any], folder: Path) -> None:
    url = urls["functions"]["payment_callback"]
    victims = [
        pid
        for pid in commands.processes_of(folder)
        if f"--port={httpx.URL(url).port}" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        try:
            answer = httpx.post(url, trust_env=False)
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            assert answer.status_code == httpx.codes.UNAUTHORIZED
            return


def test_the_whole_stack_stays_small(urls: dict[str, Any], folder: Path) -> None:
    for url in urls["functions"].values():
        httpx.post(url, trust_env=False)
    taken = sum(_proportional_bytes(pid) for pid in commands.processes_of(folder))
    assert 0 < taken < MOST_BYTES


def _proportional_bytes(pid: int) -> int:
    """Return a process's memory with its share of what it shares, so that a sum counts it once."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _world_now(urls: dict[str, Any]) -> datetime:
    answer = httpx.get(urls["scheduler"], trust_env=False).json()["now"]
    return datetime.fromisoformat(answer)
