"""``python -m local chaos``: many orders through a world in which everything breaks."""

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from local import config as configuration
from local.actors import keep_hours
from local.chaos import mishaps
from local.chaos.driver import ChaosDriver, ChaosError, Progress, Tell
from local.chaos.monkey import Monkey
from local.config import Backend, WorldConfig
from local.demo.plan import Plan, make_plan
from local.demo.report import as_json, shortcomings
from local.evidence import Evidence
from local.invariants import Violation
from local.people import People
from local.world import World, running
from shared.bootstrap import Wiring

_SAY_EVERY_S = 10.0
# Rounds of healing after the last mishap, before what is still wrong counts as wrong.
_LAST_ROUNDS = 6


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked on the command line. ``time_scale`` is how much faster Xendit's waits are."""

    folder: Path
    backend: Backend
    orders: int
    results: Path | None
    seed: int
    time_scale: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run; durations are real seconds, ``settle_s`` counts from the last payment."""

    seen: Evidence
    faults: Counter[str]
    kills: Counter[str]
    duration_s: float
    settle_s: float


def run(request: Request, console: Console) -> int:
    """Run it; return 0 only if every order ended as its story says and every promise held."""
    shutil.rmtree(request.folder, ignore_errors=True)
    config = configuration.prepare(
        request.folder,
        request.backend,
        {},
        time_scale=request.time_scale,
        disturbance=mishaps.DELIVERIES,
        rate_limit_per_minute=mishaps.RATE_LIMIT_PER_MINUTE,
        claim_s=mishaps.CLAIM_S,
        vendor_timeout_s=mishaps.VENDOR_TIMEOUT_S,
    )
    plan = make_plan(request.orders, config.clock.now(), request.seed)
    with running(config, console.log) as world:
        outcome = _play(world, plan, request, console)
    broken = [*shortcomings(plan, outcome.seen), *_before_the_admin(outcome.seen)]
    results = _as_json(plan, outcome, broken)
    if request.results is not None:
        request.results.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    _show(results, console)
    return 1 if broken else 0


def _play(world: World, plan: Plan, request: Request, console: Console) -> Outcome:
    config = world.config
    wiring = Wiring(variables=config.function_settings())
    monkey = Monkey(world.supervisor, random.Random(request.seed))
    began = time.monotonic()
    keep_hours(wiring.availability, plan.orders)
    with (
        People(config, wiring.raw_events) as people,
        _telling(console, plan, monkey.kills) as tell,
    ):
        driver = ChaosDriver(people, plan, wiring.orders, config.clock, tell)
        mishaps.begin(config)
        with monkey:
            traded = _drive(driver, config, console)
        mishaps.end(config)
        seen = _settled(people, plan, driver)
    ended = time.monotonic()
    return Outcome(
        seen=seen,
        faults=mishaps.count(config),
        kills=monkey.kills,
        duration_s=ended - began,
        settle_s=ended - traded,
    )


def _drive(driver: ChaosDriver, config: WorldConfig, console: Console) -> float:
    """Play all stories; return when all was published and paid. A halt is judged like any end."""
    try:
        driver.trade()
        traded = time.monotonic()
        mishaps.let_time_fly(config)
        driver.live_on()
    except ChaosError as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        return time.monotonic()
    return traded


def _settled(people: People, plan: Plan, driver: ChaosDriver) -> Evidence:
    """Give the world time to heal what the last mishaps left; return what is on record then."""
    people.settle()
    for _ in range(_LAST_ROUNDS):
        seen = people.evidence(plan, driver.look().values())
        if not shortcomings(plan, seen) and not any(_before_the_admin(seen)):
            break
        driver.heal()
    return people.evidence(plan, driver.look().values())


def _before_the_admin(seen: Evidence) -> Iterable[Violation]:
    """No story needs a person: whoever is asked to look shows something that did not heal."""
    for order in seen.orders:
        for attention in order.attention:
            detail = f"before the admin: {attention.reason}"
            yield Violation(invariant="needs_nobody", order_id=order.id, detail=detail)


def _as_json(plan: Plan, outcome: Outcome, broken: Iterable[Violation]) -> dict[str, Any]:
    return as_json(plan, outcome.seen, outcome.duration_s) | {
        "violations": [msgspec.to_builtins(violation) for violation in broken],
        "faults": dict(sorted(outcome.faults.items())),
        "kills": dict(sorted(outcome.kills.items())),
        "settle_s": round(outcome.settle_s, 3),
    }


def _show(results: dict[str, Any], console: Console) -> None:
    for title in ("summary", "faults", "kills"):
        told = ", ".join(f"{name} {value}" for name, value in results[title].items())
        console.print(f"[bold]{title}[/bold] {told}", highlight=False)
    console.print(f"{sum(results['kills'].values())} kills survived")
    for violation in results["violations"]:
        console.print("[red]{order_id} {invariant}: {detail}[/red]".format_map(violation))
    if not results["violations"]:
        console.print("[green]Every order ended as it should; every promise held.[/green]")


@contextmanager
def _telling(console: Console, plan: Plan, kills: Counter[str]) -> Iterator[Tell]:
    """Show how far the orders are: in one line on a terminal, now and then elsewhere."""
    said_at = 0.0
    count = len(plan.orders)
    with console.status("") as spinner:

        def tell(progress: Progress) -> None:
            nonlocal said_at
            line = (
                f"{progress.published}/{count} published · {progress.paid} paid"
                f" · {progress.arranged} arranged · {progress.ended} ended"
                f" · {progress.mails} mails · {sum(kills.values())} kills"
            )
            spinner.update(line)
            if not console.is_terminal and time.monotonic() - said_at > _SAY_EVERY_S:
                said_at = time.monotonic()
                console.log(line, highlight=False)

        yield tell
