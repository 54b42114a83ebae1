"""Ours and the peer, each as the load sees it."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from benchmarks.pipeline.load import Seen
from benchmarks.scene import await_answer
from local.config import WorldConfig
from local.lifeline import TetheredProcess
from local.staging import ROOT
from shared.adapters.clock import SystemClock
from shared.adapters.sqlite_queue import SqlitePublisher, SqliteQueue
from shared.domain.deliveries import Delivery
from shared.domain.events import OrderCreated
from shared.domain.notifications import Kind
from shared.domain.order import Order, Status

_ENVIRONMENT = ROOT / ".local" / "bench" / "dbos-venv"
_PACKAGES = (
    "dbos==3.4.0",
    "xendit-python==7.0.0",
    "google-api-python-client==2.202.0",
    "google-auth==2.62.2",
    "google-auth-httplib2==0.4.4",
    "urllib3==2.8.0",
    "python-dateutil==4.0.0",
    "starlette==1.10.0",
    "uvicorn==0.54.0",
)
_SENT = {"status": "PAID"}


class Ours:
    """The embedded world: orders go in by its queue, and its store is watched."""

    def __init__(self, config: WorldConfig) -> None:
        self._config = config
        self._queue = SqliteQueue(config.data_dir / "queue.db")
        self._publisher = SqlitePublisher(self._queue, SystemClock())
        self._store = sqlite3.connect(config.data_dir / "orders.db", isolation_level=None)
        self._deliveries = sqlite3.connect(config.data_dir / "deliveries.db", isolation_level=None)
        self._client = httpx.Client(trust_env=False, timeout=30)
        self._untold: dict[str, str] = {}
        self._since = 0.0
        self._known: set[tuple[str, str]] = set()

    def submit(self, order: OrderCreated) -> None:
        self._publisher.publish_raw(OrderCreated.topic, msgspec.json.encode(order), {})

    def webhook(self, order_id: str, invoice_id: str) -> None:
        _post(
            self._client,
            self._config.url("payment_callback"),
            {"external_id": order_id, "id": invoice_id, **_SENT},
            self._config.callback_token,
        )

    def seen(self) -> Iterable[Seen]:
        rows = self._store.execute(
            "SELECT changed_at, body FROM orders WHERE changed_at >= ?", (self._since - 1.0,)
        ).fetchall()
        for changed_at, body in rows:
            self._since = max(self._since, changed_at)
            yield from self._new(msgspec.json.decode(body, type=Order))
        yield from self._told()

    def _told(self) -> Iterable[Seen]:
        places = ", ".join("?" * len(self._untold))
        query = f"SELECT key, body FROM deliveries WHERE key IN ({places})"  # noqa: S608 - places
        for key, body in self._deliveries.execute(query, list(self._untold)).fetchall():
            delivery = msgspec.json.decode(body, type=Delivery)
            if delivery.sent_at is not None:
                yield Seen(self._untold.pop(key), "told", delivery.sent_at.timestamp())

    def idle(self) -> bool:
        return not self._queue.busy(self._config.clock.now())

    def _new(self, order: Order) -> Iterable[Seen]:
        names = {Status.INVOICED: "invoiced", Status.SCHEDULED: "room"}
        for change in order.history:
            what = names.get(change.status)
            if what is not None and (order.id, what) not in self._known:
                self._known.add((order.id, what))
                if what == "invoiced":
                    self._untold[f"{order.id}:{Kind.INVOICE_READY}:mentee:email"] = order.id
                assert order.invoice is not None
                yield Seen(order.id, what, change.at.timestamp(), order.invoice.id)


class Peer:
    """DBOS Transact in so many processes; each order belongs to one of them."""

    def __init__(
        self, folder: Path, config: WorldConfig, ports: Sequence[int], *, thorough: bool
    ) -> None:
        self._open = 0
        self._token = config.callback_token
        self._urls = [f"http://127.0.0.1:{port}" for port in ports]
        self._client = httpx.Client(trust_env=False, timeout=30)
        self._skips = [0] * len(ports)
        settings = {
            "database": str(folder / f"peer-{len(ports)}-{thorough}.sqlite"),
            "xendit": config.url("xendit"),
            "google": config.url("google"),
            "key": config.function_settings()["XENDIT_SECRET_KEY"],
            "token": config.callback_token,
            "thorough": thorough,
        }
        script = Path(__file__).with_name("peer.py")
        self.processes = []
        for port in ports:
            command = [
                str(python()),
                str(script),
                msgspec.json.encode(settings).decode(),
                str(port),
            ]
            log = folder / f"peer-{port}.log"
            self.processes.append(TetheredProcess(command, log, {"PATH": "/usr/bin:/bin"}, folder))
            # One after the other: the first makes the database.
            self._await(f"http://127.0.0.1:{port}/seen?skip=0", log)

    def submit(self, order: OrderCreated) -> None:
        body: dict[str, Any] = msgspec.to_builtins(order)
        self._open += 1
        body["session"]["ends_at"] = order.session.ends_at.isoformat()
        self._post(order.order_id, "orders", body)

    def webhook(self, order_id: str, invoice_id: str) -> None:
        self._post(order_id, "webhook", {"external_id": order_id, "id": invoice_id, **_SENT})

    def seen(self) -> Iterable[Seen]:
        for number, url in enumerate(self._urls):
            answer = self._client.get(f"{url}/seen", params={"skip": self._skips[number]})
            found = msgspec.json.decode(answer.content, type=list[Seen])
            self._skips[number] += len(found)
            self._open -= sum(seen.what == "done" for seen in found)
            yield from found

    def idle(self) -> bool:
        return not (list(self.seen()) or self._open)

    def _post(self, order_id: str, path: str, body: dict[str, Any]) -> None:
        url = self._urls[int(order_id.rpartition("-")[2]) % len(self._urls)]
        _post(self._client, f"{url}/{path}", body, self._token)

    def _await(self, url: str, log: Path) -> None:
        try:
            await_answer(url)
        except httpx.TransportError as error:
            for process in self.processes:
                process.end()
            raise RuntimeError(log.read_text()[-2000:]) from error


def _post(client: httpx.Client, url: str, body: dict[str, Any], token: str) -> None:
    """Post, once more where a kept connection turns out to be closed, as Xendit would."""
    headers = {"x-callback-token": token}
    try:
        answer = client.post(url, json=body, headers=headers)
    except httpx.TransportError:
        answer = client.post(url, json=body, headers=headers)
    answer.raise_for_status()


def python() -> Path:
    """Return the peer's Python, in an environment that is made unless it has these very packages."""
    found, ready = _ENVIRONMENT / "bin" / "python", _ENVIRONMENT / ".ready"
    wanted = "\n".join(_PACKAGES)
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "venv", "--clear", _ENVIRONMENT], check=True
        )
        subprocess.run(  # noqa: S603 - the pip of that environment
            [found, "-m", "pip", "install", "--quiet", *_PACKAGES], check=True
        )
        ready.write_text(wanted, encoding="utf-8")
    return found
