"""``python -m local burst``: many orders at one instant, and a payment provider that says "later"."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console

from local import config as configuration
from local.config import Backend, WorldConfig
from local.demo.plan import Plan, Story, make_plan
from local.people import People
from local.world import World, running
from shared.bootstrap import Wiring
from shared.domain.order import Order, Status

_POLL_S = 0.5
_SAY_EVERY_S = 5.0
# So long without a new invoice, and the rest counts as lost.
_PATIENCE_S = 60.0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked on the command line.

    The rate limit is ``rate_limit_per_minute`` requests in each 60 / ``time_scale`` seconds.
    """

    folder: Path
    backend: Backend
    orders: int
    results: Path | None
    seed: int
    time_scale: float
    rate_limit_per_minute: int


def run(request: Request, console: Console) -> int:
    """Run it; return 0 only if every order was invoiced once, and no message was given up."""
    shutil.rmtree(request.folder, ignore_errors=True)
    config = configuration.prepare(
        request.folder,
        request.backend,
        {},
        time_scale=request.time_scale,
        rate_limit_per_minute=request.rate_limit_per_minute,
    )
    plan = make_plan(request.orders, config.clock.now(), request.seed, [Story.EXPIRES])
    with running(config, console.log) as world:
        results = _play(world, plan, console)
    if request.results is not None:
        request.results.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    for name, value in results.items():
        console.print(f"{name:<24} {value}", highlight=False)
    held = results["invoiced"] == results["invoices"] == request.orders and not results["given_up"]
    verdict = "[green]Every order was invoiced once.[/green]"
    console.print(verdict if held else "[red]Not every order was invoiced once.[/red]")
    return 0 if held else 1


def _play(world: World, plan: Plan, console: Console) -> dict[str, Any]:
    config = world.config
    wiring = Wiring(variables=config.function_settings())
    began = time.monotonic()
    with People(config, wiring.raw_events) as people:
        people.publish(plan.orders)
    published = time.monotonic()
    last = published
    for seen in _looks(world, wiring, console):
        last = time.monotonic()
        if len(_invoiced(seen)) == len(plan.orders):
            break
    duration_s = last - began
    orders = list(wiring.orders.scan())
    return {
        "orders": len(plan.orders),
        "invoiced": len(_invoiced(orders)),
        "publish_s": round(published - began, 3),
        "duration_s": round(duration_s, 3),
        "invoices_per_s": round(len(_invoiced(orders)) / duration_s, 3),
        **_at_xendit(config),
        "most_deliveries_of_one": _most_attempts(config.path / "logs" / "create_invoice.log"),
        "given_up": len(wiring.rejected.list()),
    }


def _looks(world: World, wiring: Wiring, console: Console) -> Iterator[list[Order]]:
    """Yield the orders whenever there are more invoices, until there has been none for long."""
    most, moved, said = 0, time.monotonic(), 0.0
    while time.monotonic() - moved < _PATIENCE_S:
        world.heal()
        seen = list(wiring.orders.scan())
        if len(_invoiced(seen)) > most:
            most, moved = len(_invoiced(seen)), time.monotonic()
            yield seen
        if time.monotonic() - said > _SAY_EVERY_S:
            said = time.monotonic()
            console.log(f"{most} invoiced", highlight=False)
        time.sleep(_POLL_S)


def _invoiced(orders: list[Order]) -> list[Order]:
    return [order for order in orders if order.status is Status.INVOICED]


def _at_xendit(config: WorldConfig) -> dict[str, Any]:
    with httpx.Client(base_url=config.url("xendit"), timeout=60.0, trust_env=False) as client:
        refused = client.get("/_admin/rate-limit").json()["refused"]
        invoices = client.get("/_admin/invoices").json()
    payable = Counter(invoice["external_id"] for invoice in invoices)
    return {
        "invoices": len(payable),
        "most_invoices_of_one": max(payable.values(), default=0),
        "refused_by_rate_limit": sum(refused.values()),
    }


def _most_attempts(log: Path) -> int:
    """Return the most deliveries that one order's message took, as the function logged them."""
    lines = (line for line in log.read_text(errors="replace").splitlines() if "attempt" in line)
    return max((json.loads(line).get("attempt") or 0 for line in lines), default=0)
