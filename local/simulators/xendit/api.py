"""The endpoints that a merchant's server calls."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.faults import Faults, Handler
from local.simulators.xendit.errors import ApiError
from local.simulators.xendit.invoices import Invoices
from local.simulators.xendit.model import Clock, Invoice
from local.simulators.xendit.rate_limit import Allowance, RateLimiter
from local.simulators.xendit.shapes import Number, Problem, Text
from local.simulators.xendit.validation import read_create_request, refuse
from local.simulators.xendit.wire import invoice_answer

DEFAULT_LIMIT: Final = 10
MOST_LISTED: Final = 100
STATUSES: Final = Text(allowed=frozenset({"PENDING", "PAID", "SETTLED", "EXPIRED"}))
FILTERS: Final = frozenset({"external_id", "statuses", "limit"})


class InvoiceApi:
    """Xendit's Invoice API, version 2, as xendit-python calls it."""

    def __init__(
        self,
        *,
        invoices: Invoices,
        clock: Clock,
        faults: Faults,
        limiter: RateLimiter,
        secret_key: str,
        public_url: str,
    ) -> None:
        self._invoices = invoices
        self._clock = clock
        self._faults = faults
        self._limiter = limiter
        self._secret_key = secret_key
        self._public_url = public_url

    def routes(self) -> list[Route]:
        """Return the endpoints; their operations' names are those of fault rules."""
        create = self._endpoint("invoices.create", self._create)
        return [
            Route("/v2/invoices", create, methods=["POST"]),
            Route("/v2/invoices/", create, methods=["POST"]),
            Route("/v2/invoices", self._endpoint("invoices.list", self._list)),
            Route("/v2/invoices/{id}", self._endpoint("invoices.get", self._get)),
            Route(
                "/invoices/{id}/expire!",
                self._endpoint("invoices.expire", self._expire),
                methods=["POST"],
            ),
        ]

    def _endpoint(self, operation: str, handler: Handler) -> Handler:
        async def authorized(request: Request) -> Response:
            try:
                self._authorize(request.headers.get("authorization", ""))
                return await handler(request)
            except ApiError as error:
                return JSONResponse(error.body(), error.status)

        def rate_limited() -> Response:
            return _too_many_requests(self._limiter.refuse(operation))

        faulty = self._faults.wrap(operation, authorized, rate_limited)

        async def endpoint(request: Request) -> Response:
            allowance = self._limiter.take(operation)
            if not allowance.granted:
                return _too_many_requests(allowance)
            response = await faulty(request)
            for name, value in allowance.headers().items():
                response.headers.setdefault(name, value)
            return response

        return endpoint

    def _authorize(self, header: str) -> None:
        expected = f"{self._secret_key}:".encode()
        if not secrets.compare_digest(_basic_credentials(header), expected):
            raise ApiError(401, "INVALID_API_KEY", "The API key provided is invalid")

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
    unknown = [Problem((name,), "is not allowed", "object.allowUnknown") for name in query]
    refuse([problem for problem in unknown if problem.path[0] not in FILTERS], "query")
    statuses = query.getlist("statuses")
    refuse([p for status in statuses for p in STATUSES.problems(("statuses",), status)], "query")
    return _read_limit(query), statuses


def _read_limit(query: Mapping[str, str]) -> int:
    try:
        limit = float(query.get("limit", DEFAULT_LIMIT))
    except ValueError:
        refuse([Problem(("limit",), "must be a number", "number.base")], "query")
        raise
    refuse(list(Number(above=0, most=MOST_LISTED).problems(("limit",), limit)), "query")
    return int(limit)


def _basic_credentials(header: str) -> bytes:
    scheme, _, encoded = header.partition(" ")
    try:
        return base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        return b""


def _too_many_requests(allowance: Allowance) -> Response:
    error = ApiError(429, "RATE_LIMIT_EXCEEDED", "You have exceeded the rate limit")
    return JSONResponse(error.body(), error.status, allowance.headers())
