"""The world's vendors, served by a process of their own, and what functions are set to."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.scene.requests import Scene
from local.config import Backend, WorldConfig, prepare
from local.lifeline import TetheredProcess
from local.staging import ROOT

_READY_S = 30.0
# What is measured is the core: mail only, and no mentor's own calendar is asked. What track_delivery
# checks webhooks with is set in any case.
CORE = {"WHATSAPP": "off", "MENTOR_CALENDARS": "off"}


@contextmanager
def scene(folder: Path, backend: Backend = "embedded", **options: Any) -> Iterator[Scene]:
    """Serve the vendors from a process of their own, without rate limits or delays."""
    swift = {"rate_limit_per_minute": 10**9, "room_delay_s": 0.0}
    config = prepare(folder, backend, {}, **swift | options)
    config.write()
    command = [sys.executable, "-m", "local.process", "vendors", config.folder]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = TetheredProcess(command, folder / "vendors.log", environment, ROOT)
    try:
        for vendor in ("xendit", "google"):
            await_answer(config.url(vendor))
        with closing(Scene(config)) as made:
            yield made
    finally:
        process.end()


def await_answer(url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Ask until somebody answers; return the answer."""
    deadline = time.monotonic() + _READY_S
    with httpx.Client(trust_env=False, timeout=20) as client:
        while True:
            try:
                return client.get(url, headers=headers)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)


def set_latency(config: WorldConfig, seconds: float) -> None:
    """Let the vendors take so long for each request from now on."""
    for vendor in ("xendit", "google"):
        url = f"{config.url(vendor)}/_admin/latency"
        httpx.post(url, json={"seconds": seconds}, trust_env=False).raise_for_status()
