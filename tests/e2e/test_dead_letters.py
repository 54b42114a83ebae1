"""What was refused too often is kept, put before the admin, and healed by a replay."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from local import config as configuration
from local.demo.plan import PlannedOrder, Story, make_plan
from local.people import People
from local.world import World, running
from shared.bootstrap import Wiring
from shared.domain.dead_letters import DEAD_LETTER
from shared.domain.order import Order, Status
from tests.e2e import commands

MOST_DELIVERIES = 5  # the fewest that Pub/Sub takes
BACKENDS = ["embedded", pytest.param("emulator", marks=pytest.mark.emulator)]


@pytest.fixture(params=BACKENDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    config = configuration.prepare(
        tmp_path / "world", request.param, {}, max_attempts=MOST_DELIVERIES
    )
    with running(config, print) as started:
        yield started


@pytest.fixture
def people(world: World) -> Iterator[People]:
    publisher = Wiring(variables=world.config.function_settings()).raw_events
    with People(world.config, publisher) as outside:
        yield outside


class Shop:
    """One order of a world, from outside."""

    def __init__(self, world: World, people: People) -> None:
        self.people = people
        self._config = world.config
        self._wiring = Wiring(variables=world.config.function_settings())
        self._planned = make_plan(1, world.config.clock.now(), 1, [Story.BANK]).orders[0]

    def sell(self) -> PlannedOrder:
        """Publish the order and pay it."""
        self.people.publish([self._planned])
        _await(lambda: self._planned.id in self.people.checkout_links())
        self.people.pay(self._planned, self.people.checkout_links()[self._planned.id])
        return self._planned

    def order(self) -> Order:
        order = self._wiring.orders.get(self._planned.id)
        assert order is not None
        return order

    def mails(self) -> list[str]:
        return sorted(mail.key.partition(":")[2] for mail in self.people.mails())

    def wait(self, by: timedelta) -> None:
        self.people.advance(self._config.clock.now() + by)


def _await(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _dead_letters(world: World, *arguments: str) -> str:
    done = commands.run("dead-letters", *arguments, "--folder", world.config.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_message_that_was_given_up_is_told_to_the_admin_and_healed_by_a_replay(
    world: World, people: People
) -> None:
    shop = Shop(world, people)
    faults = f"{world.config.url('google')}/_admin/faults"
    broken = {"operation": "calendar.events.insert", "kind": "error_before"}
    httpx.post(faults, json=broken, trust_env=False).raise_for_status()
    shop.sell()
    _await(lambda: "attention-dead_letter:admin:email" in shop.mails())
    assert shop.order().status is Status.PAID
    assert shop.order().has_attention(DEAD_LETTER)

    told = _dead_letters(world, "list")
    (line,) = told.splitlines()
    message_id = line.split()[2]
    assert message_id.startswith("dead-create_meeting--invoice.paid-")
    assert "given up after 5 deliveries" in line
    shown = json.loads(_dead_letters(world, "show", message_id))
    assert (shown["topic"], shown["replayed_at"]) == ("invoice.paid", None)

    httpx.delete(faults, trust_env=False).raise_for_status()
    _dead_letters(world, "replay", message_id)
    _await(lambda: shop.order().status is Status.SCHEDULED)
    shop.wait(timedelta(minutes=10))
    healed = shop.order()
    assert healed.attention == ()
    mails = shop.mails()
    assert mails.count("session_scheduled:mentee:email") == 1

    assert _dead_letters(world, "replay", "--all") == ""
    _dead_letters(world, "replay", message_id)
    _dead_letters(world, "replay", message_id)
    shop.people.settle()
    assert shop.order() == healed
    assert shop.mails() == mails
    assert "replayed" in _dead_letters(world, "list")
