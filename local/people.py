"""The people around a local world: the web app that publishes, the mentees who read and pay.

And what makes their time go by.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx
import msgspec

from local import evidence
from local.config import WorldConfig
from local.demo.plan import CHANNELS, NOBODY, Plan, PlannedOrder
from local.evidence import Evidence, SeenChat, SeenMail
from local.told import everything_told, reminders
from local.visitor import Visitor
from shared.domain.events import OrderCreated
from shared.domain.notifications import Kind
from shared.domain.order import Order
from shared.ports import RawPublisher

_TIMEOUT_S = 60.0
_ADVANCE_TIMEOUT_S = 600.0


class People:
    """Everything that is done to a world from outside, over HTTP and its topics."""

    def __init__(self, config: WorldConfig, publisher: RawPublisher) -> None:
        self._config = config
        self._publisher = publisher
        self._client = httpx.Client(timeout=_TIMEOUT_S, trust_env=False)
        self._mails: list[SeenMail] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def publish(self, planned: Iterable[PlannedOrder]) -> None:
        """Publish orders, as the web app does."""
        for order in planned:
            body = msgspec.json.encode(order.event)
            self._publisher.publish_raw(OrderCreated.topic, body, {})

    def mails(self) -> list[SeenMail]:
        """Return every mail sent so far; only new ones are fetched."""
        self._mails += evidence.mails(self._client, self._config.url("google"), len(self._mails))
        return self._mails

    def chats(self) -> list[SeenChat]:
        """Return every WhatsApp message sent so far."""
        return evidence.chats(self._client, self._config.url("whatsapp"))

    def messages(self) -> dict[str, tuple[str, ...]]:
        """Return the links in every message that somebody got, by the message's key."""
        mails = {mail.key: mail.links for mail in self.mails()}
        chats = {chat.key: chat.links for chat in self.chats() if not chat.to.endswith(NOBODY)}
        return mails | chats

    def checkout_links(self) -> dict[str, str]:
        """Return for each order id the link to the checkout in the message about its invoice."""
        checkout = f"{self._config.url('xendit')}/web/"
        return {
            key.split(":")[0]: link
            for key, links in self.messages().items()
            for link in links
            if f":{Kind.INVOICE_READY}:" in key and link.startswith(checkout)
        }

    def reminded(self) -> set[tuple[str, int]]:
        """Return which orders were reminded at which lead times, both mentee and mentor."""
        return reminders(everything_told(self.mails(), self.chats()))

    @property
    def visitor(self) -> Visitor:
        """Somebody who opens links of the booking pages."""
        return Visitor(self._client)

    def pay(self, planned: PlannedOrder, link: str) -> None:
        """Pay at the checkout, in the way of the mentee's story."""
        method, channel = CHANNELS[planned.story]
        self._client.post(f"{link}/pay", data={"method": method, "channel": channel})

    def advance(self, to: datetime) -> None:
        """Let time go by until an instant."""
        self._post("advance", {"until": to.isoformat()})

    def settle(self) -> None:
        """Wait until nothing is under way."""
        self._post("settle", {})

    def evidence(self, plan: Plan, known: Iterable[Order]) -> Evidence:
        """Return what everybody has on record."""
        seen = evidence.collect(
            self._config.url("xendit"),
            self._config.url("google"),
            known,
            self._config.clock.now(),
            self.mails(),
            whatsapp=self._config.url("whatsapp"),
        )
        published = frozenset(order.id for order in plan.orders)
        return msgspec.structs.replace(seen, published=published)

    def _post(self, what: str, body: Mapping[str, str]) -> None:
        url = f"{self._config.url('scheduler')}/{what}"
        self._client.post(url, json=body, timeout=_ADVANCE_TIMEOUT_S).raise_for_status()
