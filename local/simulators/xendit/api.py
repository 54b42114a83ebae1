"""The endpoints that a merchant's server calls."""

from typing import Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.xendit.endpoints import Endpoints
from local.simulators.xendit.invoices import Invoices
from local.simulators.xendit.model import Clock, Invoice
from local.simulators.xendit.shapes import Text
from local.simulators.xendit.validation import (
    read_create_request,
    read_limit,
    refuse,
    refuse_unknown,
)
from local.simulators.xendit.wire import invoice_answer

DEFAULT_LIMIT: Final = 10
MOST_LISTED: Final = 100
STATUSES: Final = Text(allowed=frozenset({"PENDING", "PAID", "SETTLED", "EXPIRED"}))
FILTERS: Final = frozenset({"external_id", "statuses", "limit"})


class InvoiceApi:
    """Xendit's Invoice API, version 2, as xendit-python calls it."""

    def __init__(
        self, invoices: Invoices, clock: Clock, endpoints: Endpoints, public_url: str
    ) -> None:
        self._invoices = invoices
        self._clock = clock
        self._endpoints = endpoints
        self._public_url = public_url

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        of = self._endpoints.of
        create = of("invoices.create", self._create)
        return [
            Route("/v2/invoices", create, methods=["POST"]),
            Route("/v2/invoices/", create, methods=["POST"]),
            Route("/v2/invoices", of("invoices.list", self._list)),
            Route("/v2/invoices/{id}", of("invoices.get", self._get)),
            Route("/invoices/{id}/expire!", of("invoices.expire", self._expire), methods=["POST"]),
        ]

    def _answer(self, invoice: Invoice) -> dict[str, object]:
        return invoice_answer(invoice.as_answered(self._clock.now()), self._public_url)

    async def _create(self, request: Request) -> Response:
        accepted = read_create_request(await request.body())
        return JSONResponse(self._answer(self._invoices.create(accepted)))

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._answer(self._invoices.get(request.path_params["id"])))

    async def _list(self, request: Request) -> Response:
        limit, statuses = _read_filters(request.query_params)
        external_id = request.query_params.get("external_id")
        answers = map(self._answer, self._invoices.newest(MOST_LISTED, external_id))
        chosen = [a for a in answers if not statuses or a["status"] in statuses]
        return JSONResponse(chosen[:limit])

    async def _expire(self, request: Request) -> Response:
        return JSONResponse(self._answer(self._invoices.expire(request.path_params["id"])))


def _read_filters(query: QueryParams) -> tuple[int, list[str]]:
    refuse_unknown(query, FILTERS)
    statuses = query.getlist("statuses")
    refuse([p for status in statuses for p in STATUSES.problems(("statuses",), status)], "query")
    return read_limit(query, DEFAULT_LIMIT, MOST_LISTED), statuses
