"""Ours as the load sees it: orders go in by the topic, and the stores are watched."""

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx
import msgspec

from benchmarks.pipeline.load import PAID, Seen, post
from local.config import WorldConfig
from shared.domain.events import OrderCreated
from shared.domain.notifications import Kind
from shared.domain.order import Order, Status
from shared.ports import OrderStore, RawPublisher

_MANY = 10_000
# A decision's time is taken before it is written, and writes may overtake each other.
_OVERLAP = timedelta(seconds=1)
_WHAT = {Status.INVOICED: "invoiced", Status.SCHEDULED: "room"}


class Records(Protocol):
    """What there is to see of a world."""

    # Between two looks: where looking takes from what is measured, it is done seldom.
    pause_s: float

    @property
    def publisher(self) -> RawPublisher:
        """Return where the web app publishes."""

    @property
    def orders(self) -> OrderStore:
        """Return its orders."""

    def sent(self, keys: Collection[str]) -> Mapping[str, datetime]:
        """Return when those of the messages were sent that are out."""

    def idle(self, orders: int) -> bool:
        """Whether nothing is left to do for all of so many orders."""


class Ours:
    """The local world as it is served."""

    def __init__(self, config: WorldConfig, records: Records) -> None:
        self._config = config
        self._records = records
        self._client = httpx.Client(trust_env=False, timeout=30)
        self._submitted: set[str] = set()
        self._untold: dict[str, str] = {}
        self._since = datetime.now(UTC)
        self._known: set[tuple[str, str]] = set()
        self._look_at = 0.0

    def submit(self, order: OrderCreated) -> None:
        self._submitted.add(order.order_id)
        self._records.publisher.publish_raw(OrderCreated.topic, msgspec.json.encode(order), {})

    def webhook(self, order_id: str, invoice_id: str) -> None:
        body = {"external_id": order_id, "id": invoice_id, **PAID}
        url = self._config.url("payment_callback")
        post(self._client, url, body, self._config.callback_token)

    def seen(self) -> Iterable[Seen]:
        if time.monotonic() < self._look_at:
            return
        for order in self._records.orders.changed_since(self._since - _OVERLAP, _MANY):
            self._since = max(self._since, order.changed_at)
            yield from self._new(order)
        for key, sent_at in self._records.sent(self._untold).items():
            yield Seen(self._untold.pop(key), "told", sent_at.timestamp())
        self._look_at = time.monotonic() + self._records.pause_s

    def idle(self) -> bool:
        time.sleep(self._records.pause_s)
        return self._records.idle(len(self._submitted))

    def _new(self, order: Order) -> Iterable[Seen]:
        for change in order.history:
            what = _WHAT.get(change.status)
            if what is not None and (order.id, what) not in self._known:
                self._known.add((order.id, what))
                if what == "invoiced":
                    self._untold[f"{order.id}:{Kind.INVOICE_READY}:mentee:email"] = order.id
                assert order.invoice is not None
                yield Seen(order.id, what, change.at.timestamp(), order.invoice.id)
