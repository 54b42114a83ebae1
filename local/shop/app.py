"""The shop: stands in for the marketplace's web app. Takes orders and shows what becomes of them."""

import heapq
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.shop.forms import (
    DURATIONS,
    MARKET_ZONE,
    MENTEE_ZONES,
    FormError,
    defaults,
    filled,
    order_json,
)
from local.shop.live import event_stream
from local.shop.mentors import MENTORS
from local.shop.pages import SCRIPT, Pages
from shared.domain.order import Order
from shared.errors import PipelineError
from shared.ports import Clock, OrderStore, RejectedMessage, RejectedStore

Publish = Callable[[bytes], None]

_ORDERS_SHOWN = 50
_ID_NUMBERS = 1_000_000


def create_app(
    *,
    orders: OrderStore,
    rejected: RejectedStore,
    publish: Publish,
    clock: Clock,
    links: Mapping[str, str],
    randbelow: Callable[[int], int] = secrets.randbelow,
) -> Starlette:
    """Build the shop.

    ``publish`` puts raw JSON on the topic order.created, without attributes, and returns when it
    was accepted. ``links`` are the local world's other pages by name; ``mailbox`` must be one.
    ``randbelow(n)`` draws from 0 to n-1 for the numbers of orders.
    """
    shop = Shop(
        orders=orders,
        rejected=rejected,
        publish=publish,
        clock=clock,
        pages=Pages(clock, links),
        randbelow=randbelow,
    )
    return Starlette(routes=shop.routes(), exception_handlers={PipelineError: shop.failed})


class Shop:
    """The pages and the API. Whatever blocks runs in a thread."""

    def __init__(
        self,
        *,
        orders: OrderStore,
        rejected: RejectedStore,
        publish: Publish,
        clock: Clock,
        pages: Pages,
        randbelow: Callable[[int], int],
    ) -> None:
        self._orders = orders
        self._rejected = rejected
        self._publish = publish
        self._clock = clock
        self._pages = pages
        self._randbelow = randbelow

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self.home),
            Route("/orders", self.place, methods=["POST"]),
            Route("/orders/{id}", self.order),
            Route("/orders/{id}/events", self.events),
            Route("/rejected", self.rejected),
            Route("/live.js", self.script),
            Route("/api/orders", self.publish_raw, methods=["POST"]),
            Route("/api/orders/{id}", self.order_data),
        ]

    def home(self, _: Request) -> Response:
        """Show the form and the latest orders."""
        return self._form_page(defaults(self._clock.now()))

    async def place(self, request: Request) -> Response:
        """Publish the order that the form asks for and lead to its page; else say what is wrong."""
        form = filled(await request.body())
        return await run_in_threadpool(self._place, form)

    def order(self, request: Request) -> Response:
        """Show one order, or that it is not known yet."""
        order_id = request.path_params["id"]
        return self._pages.page("order.html", order_id=order_id, **self._progress(order_id))

    async def events(self, request: Request) -> Response:
        """Follow one order: events ``order`` (a piece of HTML) and ``clock`` (the world's time)."""
        order_id = request.path_params["id"]

        def look() -> Mapping[str, str]:
            progress = self._pages.text(
                "progress.html", order_id=order_id, **self._progress(order_id)
            )
            return {"order": progress, "clock": self._pages.world_time()}

        return event_stream(look)

    def rejected(self, _: Request) -> Response:
        """List the messages that could not be handled."""
        return self._pages.page("rejected.html", messages=self._rejected.list())

    def script(self, _: Request) -> Response:
        """Return the script that follows an order."""
        return FileResponse(SCRIPT, media_type="text/javascript")

    async def publish_raw(self, request: Request) -> Response:
        """Publish the body as it is, be it an order or not."""
        body = await request.body()
        await run_in_threadpool(self._publish, body)
        return JSONResponse({"published_bytes": len(body)}, 202)

    def order_data(self, request: Request) -> Response:
        """Return the stored order as JSON."""
        order_id = request.path_params["id"]
        order = self._orders.get(order_id)
        if order is None:
            return JSONResponse({"error": f"there is no order {order_id}"}, 404)
        return Response(msgspec.json.encode(order), media_type="application/json")

    def failed(self, request: Request, error: Exception) -> Response:
        """Say that the store or the topic cannot be reached."""
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": str(error)}, 503)
        return self._pages.page("failed.html", 503, error=str(error))

    def _place(self, form: Mapping[str, str]) -> Response:
        now = self._clock.now()
        order_id = next(self._ids(now.astimezone(MARKET_ZONE).year))
        try:
            data = order_json(form, order_id=order_id, now=now)
        except FormError as error:
            return self._form_page(form, error.complaints)
        self._publish(data)
        return RedirectResponse(f"/orders/{order_id}", 303)

    def _ids(self, year: int) -> Iterator[str]:
        while True:
            order_id = f"NUS-{year}-{self._randbelow(_ID_NUMBERS):06d}"
            if self._orders.get(order_id) is None:
                yield order_id

    def _form_page(
        self, form: Mapping[str, str], complaints: Mapping[str, str] | None = None
    ) -> Response:
        latest = heapq.nlargest(_ORDERS_SHOWN, self._orders.scan(), key=_taken_at)
        return self._pages.page(
            "home.html",
            422 if complaints else 200,
            form=form,
            complaints=complaints or {},
            mentors=MENTORS,
            zones=MENTEE_ZONES,
            durations=DURATIONS,
            orders=latest,
        )

    def _progress(self, order_id: str) -> dict[str, Any]:
        order = self._orders.get(order_id)
        refusals = [] if order else self._refusals(order_id)
        return {"order": order, "refusals": refusals}

    def _refusals(self, order_id: str) -> list[RejectedMessage]:
        quoted = msgspec.json.encode(order_id).decode()
        return [message for message in self._rejected.list() if quoted in message.body]


def _taken_at(order: Order) -> float:
    return order.history[0].at.timestamp()
