"""``python -m local demo``: sample orders through a whole world, judged at the end."""

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console

from local import config as configuration
from local.actors import keep_hours
from local.config import Backend, WorldConfig
from local.demo.driver import Driver
from local.demo.plan import Plan, make_plan
from local.demo.report import as_json, as_table, shortcomings
from local.demo.timeline import Timeline
from local.people import People
from local.postman import Disturbance
from local.world import World, await_ports, running
from shared.bootstrap import Wiring

_PLAN = "plan.json"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked on the command line."""

    folder: Path
    backend: Backend
    orders: int
    fresh: bool
    results: Path | None
    seed: int
    options: dict[str, Any] = {}
    ports: dict[str, int] = {}


def run(request: Request, console: Console, keep_serving: Callable[[World], None]) -> int:
    """Run the demo; return 0 only if every order ended as it should and no promise is broken."""
    before = configuration.load(request.folder)
    if before is not None:
        await_ports(before)  # nobody's world is removed while it runs
    plan = None if request.fresh else _unfinished(request)
    if plan is None:
        shutil.rmtree(request.folder, ignore_errors=True)
    else:
        console.print("Going on with the orders of a run that was cut short.")
    config = configuration.prepare(
        request.folder, request.backend, request.ports, **request.options
    )
    if plan is None:
        plan = make_plan(request.orders, config.clock.now(), request.seed)
    _write_plan(request.folder, plan)
    with running(config, console.log) as world:
        if config.disturbance is not None:
            _disturb_webhooks(config, config.disturbance)
        status = _play(world, plan, request, console)
        if sys.stdin.isatty() and console.is_terminal:
            keep_serving(world)
    return status


def _play(world: World, plan: Plan, request: Request, console: Console) -> int:
    config = world.config
    wiring = Wiring(variables=config.function_settings())
    began = time.monotonic()
    timeline = Timeline(console, plan, config.clock, world.heal)
    keep_hours(wiring.availability, plan.orders)
    with People(config, wiring.raw_events) as people, timeline:
        seen = Driver(people, plan, wiring.orders, config.clock, timeline).run()
    duration_s = time.monotonic() - began
    results = as_json(plan, seen, duration_s)
    if request.results is not None:
        request.results.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    _write_plan(request.folder, msgspec.structs.replace(plan, finished=True))
    console.print(as_table(plan, seen))
    _print_places(config, console)
    broken = shortcomings(plan, seen)
    for violation in broken:
        console.print(f"[red]{violation.order_id} {violation.invariant}: {violation.detail}[/red]")
    if not broken:
        count = len(plan.orders)
        console.print(
            f"[green]All {count} orders ended as they should; every promise held.[/green]"
        )
    return 1 if broken else 0


def _disturb_webhooks(config: WorldConfig, disturbance: Disturbance) -> None:
    settings = {
        "duplicate_probability": disturbance.duplicate,
        "delay_seconds": disturbance.delay_s,
    }
    url = f"{config.url('xendit')}/_admin/webhooks"
    httpx.post(url, json=settings, trust_env=False).raise_for_status()


def _print_places(config: WorldConfig, console: Console) -> None:
    places = {
        "place an order": config.url("shop"),
        "invoices": config.url("xendit"),
        "mailbox": f"{config.url('google')}/mailbox",
        "phones": config.url("whatsapp"),
        "calendar": f"{config.url('google')}/calendar",
    }
    for what, url in places.items():
        console.print(f"{what:<15} {url}", highlight=False)


def _unfinished(request: Request) -> Plan | None:
    before = configuration.load(request.folder)
    plan_file = request.folder / _PLAN
    # The emulators keep everything in memory: what they knew died with them.
    if before is None or not plan_file.exists() or request.backend == "emulator":
        return None
    try:
        plan = msgspec.json.decode(plan_file.read_bytes(), type=Plan)
    except msgspec.ValidationError:
        return None  # written by another version
    same = before.backend == request.backend and len(plan.orders) == request.orders
    return plan if same and not plan.finished else None


def _write_plan(folder: Path, plan: Plan) -> None:
    replacement = folder / f"{_PLAN}.tmp"
    replacement.write_bytes(msgspec.json.encode(plan))
    replacement.replace(folder / _PLAN)
