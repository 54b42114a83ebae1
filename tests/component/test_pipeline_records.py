"""What the load of the pipeline's benchmark sees of a world is the same on either backend."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest

from benchmarks.pipeline.load import Seen
from benchmarks.pipeline.orders import orders
from benchmarks.pipeline.ours import Ours
from benchmarks.pipeline.records import EmbeddedRecords, EmulatedRecords
from benchmarks.scene.world import World
from local.config import Backend, prepare
from local.emulators import Emulators
from shared.adapters.sqlite_queue import SqliteQueue
from shared.domain.deliveries import Delivery
from shared.domain.order import Order, Status

EMULATOR = pytest.param("emulator", marks=pytest.mark.emulator)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    backend = cast("Backend", request.param)
    emulators: dict[str, str] = {}
    if backend == "emulator":
        started: Emulators = request.getfixturevalue("emulators")
        emulators = started.environment
    with closing(World(prepare(tmp_path, backend, {}, emulators=emulators))) as opened:
        yield opened


@pytest.fixture
def ours(world: World) -> Ours:
    embedded = world.config.backend == "embedded"
    return Ours(world.config, (EmbeddedRecords if embedded else EmulatedRecords)(world.config))


def look(ours: Ours) -> list[Seen]:
    time.sleep(EmulatedRecords.pause_s)
    return list(ours.seen())


def send(world: World, order_id: str, *messages: str) -> Delivery:
    """Store the records of messages that are out; return the last."""
    for message in messages:
        key = f"{order_id}:{message}:email"
        delivery = Delivery(key=key, order_id=order_id, sent_at=world.now())
        world.sent(delivery)
    return delivery


def changed(order: Order, status: Status) -> float:
    return next(change.at.timestamp() for change in order.history if change.status is status)


@pytest.mark.parametrize("world", ["embedded", EMULATOR], indirect=True)
def test_what_happens_to_an_order_is_seen_once_and_with_its_time(world: World, ours: Ours) -> None:
    assert look(ours) == []
    order = world.put(world.invoiced())
    assert order.invoice is not None
    invoiced = Seen(order.id, "invoiced", changed(order, Status.INVOICED), order.invoice.id)
    assert look(ours) == [invoiced]
    begun = Delivery(key=f"{order.id}:invoice_ready:mentee:email", order_id=order.id, draft_id="d")
    world.sent(begun)
    assert look(ours) == []
    told = send(world, order.id, "invoice_ready:mentee")
    assert told.sent_at is not None
    assert look(ours) == [Seen(order.id, "told", told.sent_at.timestamp())]
    scheduled = world.put(world.scheduled(world.paid(order)))
    room = Seen(order.id, "room", changed(scheduled, Status.SCHEDULED), order.invoice.id)
    assert look(ours) == [room]
    assert look(ours) == []


@pytest.mark.parametrize("world", ["embedded"], indirect=True)
def test_embedded_is_idle_once_its_queue_is_empty(world: World, ours: Ours) -> None:
    (order,) = orders(1)
    assert ours.idle()
    ours.submit(order)
    assert not ours.idle()
    queue = SqliteQueue(world.config.data_dir / "queue.db")
    (message,) = queue.lease(
        world.now(), timedelta(minutes=1), {"create_invoice--order.created": 9}
    )
    assert msgspec.json.decode(message.data)["order_id"] == order.order_id
    queue.ack(message)
    queue.close()
    assert ours.idle()


@pytest.mark.parametrize("world", [EMULATOR], indirect=True)
def test_emulated_is_idle_once_all_mails_of_all_orders_are_out(world: World, ours: Ours) -> None:
    played = orders(2)
    for order in played:
        ours.submit(order)
    both = ["meeting_scheduled:mentee", "meeting_scheduled:mentor"]
    for order in played:
        assert not ours.idle()
        send(world, order.order_id, "invoice_ready:mentee", "payment_received:mentee", *both)
    assert ours.idle()
