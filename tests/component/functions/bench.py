"""The functions as production serves them, and a test in the place of Pub/Sub and the vendors."""

import hashlib
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from local.config import HOST, WHATSAPP_NUMBER_ID, WorldConfig, prepare
from local.lifeline import TetheredProcess
from local.processes import Supervisor
from local.simulators.records import Records
from local.simulators.whatsapp.app import create_app as create_whatsapp
from local.simulators.whatsapp.catalogue import Catalogue, Template
from local.staging import stage
from local.topology import FUNCTIONS
from shared import messages
from shared.adapters.sqlite_queue import SqliteQueue
from shared.adapters.sqlite_stores import SqliteDeliveryStore, SqliteOrderStore, SqliteRejectedStore
from shared.domain.events import TOPICS, Event, OrderCreated
from shared.domain.order import Change, Order
from shared.ports import RejectedMessage
from shared.presentation.whatsapp import approved_templates
from tests.builders import mentor, order_created, session_after
from tests.vendors import Vendor, served, served_google, served_xendit

_READY_S = 30.0
_EVENT_S = 20.0
_numbers = itertools.count(1)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return a function's environment: its settings and nothing of this process's own."""
    return {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", "THREADS": "8", **settings}


def command(name: str, port: int) -> list[str]:
    """Return the command that serves a staged function."""
    served = str(Path(sys.executable).parent / "functions-framework")
    return [served, f"--target={name}", "--source=main.py", f"--host={HOST}", f"--port={port}"]


def push(data: bytes | None, attributes: Mapping[str, str] | None = None) -> bytes:
    """Return the body of a Pub/Sub push; without data the field is left out, as Pub/Sub does."""
    body = messages.push_body(
        f"m-{next(_numbers)}",
        data or b"",
        dict(attributes or {}),
        published_at="2026-11-24T02:00:05Z",
        subscription="projects/demo/subscriptions/any",
        attempt=1,
    )
    if data is None:
        del body["message"]["data"]
    return json.dumps(body).encode()


class Functions:
    """The served functions and what is behind them; ``processes`` are by function name."""

    def __init__(
        self,
        config: WorldConfig,
        xendit: Vendor,
        google: Vendor,
        whatsapp: Vendor,
        processes: Mapping[str, TetheredProcess],
    ) -> None:
        self.config = config
        self.processes = processes
        self.xendit = xendit
        self.google = google
        self.whatsapp = whatsapp
        self.orders = SqliteOrderStore(config.data_dir / "orders.db")
        self.deliveries = SqliteDeliveryStore(config.data_dir / "deliveries.db")
        self.rejected = SqliteRejectedStore(config.data_dir / "rejected.db")
        self.queue = SqliteQueue(config.data_dir / "queue.db")
        for topic in TOPICS:
            self.queue.subscribe(f"test--{topic}", topic)
        self.client = httpx.Client(trust_env=False, timeout=20)

    def close(self) -> None:
        """Close what was opened."""
        for each in (self.orders, self.deliveries, self.rejected, self.queue, self.client):
            each.close()

    @property
    def logs(self) -> str:
        """All that the functions have printed."""
        return "".join(path.read_text() for path in sorted(self.config.path.glob("*.log")))

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the structured lines of the logs; what is in one may be a line's end to Unicode."""
        return [json.loads(line) for line in self.logs.split("\n") if line.startswith("{")]

    def post(
        self, name: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a request to a function."""
        raw = [(k.encode(), value.encode("latin-1")) for k, value in (headers or {}).items()]
        return self.client.post(self.config.url(name), content=body, headers=raw)

    def deliver(self, name: str, event: Event) -> httpx.Response:
        """Push an event to a function as Pub/Sub does."""
        now = self.config.clock.now()
        attributes = messages.attributes(event, traceparent="00-ab-cd-01", at=now)
        return self.post(name, push(messages.encode(event), attributes))

    def webhook(self, body: Mapping[str, Any] | bytes, token: str | None = None) -> httpx.Response:
        """Send a webhook as Xendit does, by default with the right token."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = self.config.callback_token if token is None else token
        return self.post("payment_callback", content, {"x-callback-token": given})

    def published(self) -> list[tuple[str, dict[str, Any]]]:
        """Take the published messages, as ``(topic, data)``, off the queue."""
        topics = {f"test--{topic}": 100 for topic in TOPICS}
        leased = self.queue.lease(self.config.clock.now(), timedelta(minutes=1), topics)
        for message in leased:
            self.queue.ack(message)
        return [(message.topic, json.loads(message.data)) for message in leased]

    def events(self) -> list[Event]:
        """Take the published messages off the queue, as events."""
        return [msgspec.convert(data, TOPICS[topic]) for topic, data in self.published()]

    def awaited_event(self) -> Event:
        """Return the next published event, which follows from what a simulator does by itself."""
        deadline = time.monotonic() + _EVENT_S
        while not (found := self.events()):
            assert time.monotonic() < deadline, "nothing was published"
            time.sleep(0.02)
        (event,) = found
        return event

    def order(self, order_id: str) -> Order:
        """Return an order that must exist."""
        found = self.orders.get(order_id)
        assert found is not None
        return found

    def kept(self, body: bytes) -> RejectedMessage:
        """Return the latest record of a body that was kept."""
        digest = hashlib.sha256(body).hexdigest()
        return next(message for message in self.rejected.list(1000) if message.sha256 == digest)

    def request(self, **changes: Any) -> OrderCreated:
        """Return a new order about three days ahead, of a mentor of its own."""
        number = next(_numbers)
        own = {
            "order_id": f"NUS-{number}",
            # Of an address of its own too, whose calendar the simulator keeps.
            "mentor": mentor(id=f"m-{number}", email=f"m-{number}@mentors.example"),
            "session": session_after(self.config.clock.now()),
        }
        return order_created(**own | changes)

    def invoiced(self, **changes: Any) -> Order:
        """Return a new order with its invoice; nothing of it is left on the queue."""
        request = self.request(**changes)
        assert self.deliver("create_invoice", request).status_code == 204
        self.published()
        return self.order(request.order_id)

    def paid(self, **changes: Any) -> Order:
        """Return a new order that is paid; nothing of it is left on the queue."""
        order = self.invoiced(**changes)
        self.pay(order)
        assert order.invoice is not None
        said = {"external_id": order.id, "id": order.invoice.id, "status": "PAID"}
        assert self.webhook(said).json()["outcome"] == "paid"
        self.published()
        return self.order(order.id)

    def put(self, order: Order) -> Order:
        """Store an order as it is."""
        return self.orders.transact(order.id, lambda _current, _days: Change(order=order))

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Return what an address was sent."""
        found: list[dict[str, Any]] = self.google.ask("mails", to=to)["mails"]
        return found

    def chats(self, phone: str) -> list[dict[str, Any]]:
        """Return what a phone was sent."""
        found: list[dict[str, Any]] = self.whatsapp.ask("messages", to=phone.lstrip("+"))[
            "messages"
        ]
        return found

    def pay(self, order: Order, **payment: Any) -> None:
        """Pay an order's invoice at Xendit, without a webhook unless one is asked for."""
        assert order.invoice is not None
        self.xendit.tell(f"invoices/{order.invoice.id}/pay", **{"webhook": False} | payment)

    def expire(self, order: Order) -> None:
        """End an order's invoice at Xendit, without a webhook."""
        assert order.invoice is not None
        url = f"{self.xendit.url}/invoices/{order.invoice.id}/expire!"
        key = self.config.function_settings()["XENDIT_SECRET_KEY"]
        assert self.xendit.admin.post(url, auth=(key, "")).status_code == 200


@contextmanager
def running(folder: Path) -> Iterator[Functions]:
    """Serve all functions over the embedded backend, and the simulators."""
    config = prepare(folder, "embedded", {})
    settings = config.function_settings()
    with ExitStack() as stack:
        xendit = stack.enter_context(
            served_xendit(
                config.clock,
                config.ports["xendit"],
                key=settings["XENDIT_SECRET_KEY"],
                token=config.callback_token,
                callback_url=config.url("payment_callback"),
            )
        )
        google = stack.enter_context(served_google(config.clock, config.ports["google"]))
        whatsapp = stack.enter_context(_served_whatsapp(config))
        # A test is in Xendit's place; what Xendit itself said would come in the midst of another.
        xendit.tell("webhooks", drop_probability=1.0)
        supervisor = Supervisor(config.path)
        stack.callback(supervisor.stop)
        for function in FUNCTIONS:
            name = function.name
            staged = stage(name, config.path / "staged" / name)
            served_by = command(name, config.ports[name])
            supervisor.start(name, served_by, environment(settings), staged)
        for function in FUNCTIONS:
            await_answer(config.url(function.name))
        processes = {name: child.process for name, child in supervisor.children.items()}
        functions = Functions(config, xendit, google, whatsapp, processes)
        stack.callback(functions.close)
        yield functions


@contextmanager
def _served_whatsapp(config: WorldConfig) -> Iterator[Vendor]:
    records = Records(None)
    app = create_whatsapp(
        records=records,
        clock=config.clock,
        catalogue=Catalogue(msgspec.convert(approved_templates(), list[Template])),
        access_token=config.secrets.whatsapp_token,
        phone_number_id=WHATSAPP_NUMBER_ID,
        app_secret=config.secrets.whatsapp_app,
        callback_url=config.url("track_delivery"),
        public_url="http://whatsapp.example",
        status_delay_s=0.05,
        seed=1,
    )
    vendor = Vendor(app)
    with vendor.admin, served(vendor, config.ports["whatsapp"]) as vendor.url:
        yield vendor
    records.close()


def await_answer(url: str) -> None:
    """Wait until a server that was just started gives an answer, whatever it is."""
    deadline = time.monotonic() + _READY_S
    with httpx.Client(trust_env=False, timeout=5) as client:
        while True:
            try:
                client.get(url)
            except httpx.TransportError:
                assert time.monotonic() < deadline, f"{url} does not answer"
                time.sleep(0.05)
            else:
                return
