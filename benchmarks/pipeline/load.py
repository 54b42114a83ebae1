"""Plays the web app and Xendit for many orders at once, and notes when what happens."""

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import httpx
import msgspec

from shared.domain.events import OrderCreated

_POLL_S = 0.004
_PATIENCE_S = 180.0
_SENDERS = 64
# What a webhook says of the invoice that it names.
PAID = {"status": "PAID"}


class Seen(msgspec.Struct, frozen=True):
    """Something that has happened to an order, in seconds since 1970."""

    order_id: str
    what: str
    at: float
    invoice_id: str = ""


class System(Protocol):
    """What is under load."""

    def submit(self, order: OrderCreated) -> None:
        """Hand in an order."""

    def webhook(self, order_id: str, invoice_id: str) -> None:
        """Tell that its invoice is paid."""

    def seen(self) -> Iterable[Seen]:
        """Return what is new: ``invoiced``, ``told`` (the mentee, of the invoice), ``room``."""

    def idle(self) -> bool:
        """Whether nothing is left to do, now that every order has its room."""


class Run(msgspec.Struct, frozen=True):
    """What a load has measured: seconds."""

    orders: int
    duration_s: float
    mails: int
    link_s: tuple[float, ...]
    room_s: tuple[float, ...]


class Load:
    """Keeps so many orders under way, until all have their room and nothing is left to do."""

    def __init__(self, system: System, xendit: str, google: str) -> None:
        self._system = system
        self._xendit = xendit
        self._google = google
        self._client = httpx.Client(
            trust_env=False, timeout=30, limits=httpx.Limits(max_connections=_SENDERS)
        )

    def run(self, orders: list[OrderCreated], at_once: int) -> Run:
        """Play all orders."""
        waiting, mails = orders[::-1], self._mails()
        submitted: dict[str, float] = {}
        invoices: dict[str, str] = {}
        paid: dict[str, float] = {}
        link_s: list[float] = []
        room_s: list[float] = []
        began = time.time()
        with ThreadPoolExecutor(_SENDERS) as senders:
            while len(room_s) < len(orders):
                while waiting and len(submitted) - len(room_s) < at_once:
                    order = waiting.pop()
                    submitted[order.order_id] = time.time()
                    senders.submit(self._system.submit, order).add_done_callback(_raise)
                for seen in self._system.seen():
                    if seen.what == "invoiced":
                        link_s.append(seen.at - submitted[seen.order_id])
                        invoices[seen.order_id] = seen.invoice_id
                    elif seen.what == "told":
                        invoice_id = invoices[seen.order_id]
                        paying = senders.submit(self._pay, seen.order_id, invoice_id, paid)
                        paying.add_done_callback(_raise)
                    elif seen.what == "room":
                        room_s.append(seen.at - paid[seen.order_id])
                self._check(began, f"{len(room_s)} rooms, {len(link_s)} invoices")
                time.sleep(_POLL_S)
            while not self._system.idle():
                self._check(began, "mails")
                time.sleep(_POLL_S)
        duration_s, mails = time.time() - began, self._mails() - mails
        return Run(len(orders), duration_s, mails, tuple(link_s), tuple(room_s))

    def _pay(self, order_id: str, invoice_id: str, paid: dict[str, float]) -> None:
        url = f"{self._xendit}/_admin/invoices/{invoice_id}/pay"
        self._client.post(url, json={"webhook": False}).raise_for_status()
        paid[order_id] = time.time()
        self._system.webhook(order_id, invoice_id)

    def _mails(self) -> int:
        return int(self._client.get(f"{self._google}/_admin/counts").json()["mails"])

    def _check(self, began: float, what: str) -> None:
        if time.time() - began > _PATIENCE_S:
            raise TimeoutError(what)


def _raise(future: Future[None]) -> None:
    future.result()


def post(client: httpx.Client, url: str, body: dict[str, Any], token: str) -> None:
    """Post, once more where a kept connection turns out to be closed, as Xendit would."""
    headers = {"x-callback-token": token}
    try:
        answer = client.post(url, json=body, headers=headers)
    except httpx.TransportError:
        answer = client.post(url, json=body, headers=headers)
    answer.raise_for_status()
