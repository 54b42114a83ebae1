"""The endpoints by which a merchant's server gives money back."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.xendit.endpoints import Endpoints
from local.simulators.xendit.refund_wire import refund_answer
from local.simulators.xendit.refunds import Refunds
from local.simulators.xendit.validation import read_create_refund, read_limit, refuse_unknown

DEFAULT_LIMIT: Final = 10
MOST_LISTED: Final = 100
# The filters of the SDK that are simulated; the others are refused, so that none is ignored.
FILTERS: Final = frozenset({"invoice_id", "limit"})


class RefundApi:
    """Xendit's refund API, as xendit-python calls it; refunds cannot be cancelled."""

    def __init__(self, refunds: Refunds, endpoints: Endpoints) -> None:
        self._refunds = refunds
        self._endpoints = endpoints

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        of = self._endpoints.of
        return [
            Route("/refunds", of("refunds.create", self._create), methods=["POST"]),
            Route("/refunds", of("refunds.list", self._list)),
            Route("/refunds/{id}", of("refunds.get", self._get)),
        ]

    async def _create(self, request: Request) -> Response:
        accepted = read_create_refund(await request.body())
        key = request.headers.get("idempotency-key")
        return JSONResponse(refund_answer(self._refunds.create(key, accepted)))

    async def _get(self, request: Request) -> Response:
        return JSONResponse(refund_answer(self._refunds.get(request.path_params["id"])))

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        refuse_unknown(query, FILTERS)
        limit = read_limit(query, DEFAULT_LIMIT, MOST_LISTED)
        found = self._refunds.newest(limit + 1, query.get("invoice_id"))
        data = [refund_answer(refund) for refund in found[:limit]]
        return JSONResponse({"data": data, "has_more": len(found) > limit})
