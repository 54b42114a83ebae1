"""What stands before every operation of the API: the key, the rate limit, and the faults."""

import base64
import binascii
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulators.faults import Faults, Handler
from local.simulators.xendit.errors import ApiError
from local.simulators.xendit.rate_limit import Allowance, RateLimiter


class Endpoints:
    """Makes endpoints of handlers; their operations' names are those of fault rules."""

    def __init__(self, faults: Faults, limiter: RateLimiter, secret_key: str) -> None:
        self._faults = faults
        self._limiter = limiter
        self._secret_key = secret_key

    def of(self, operation: str, handler: Handler) -> Handler:
        """Return the handler behind all that stands before it."""

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


def _basic_credentials(header: str) -> bytes:
    scheme, _, encoded = header.partition(" ")
    try:
        return base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        return b""


def _too_many_requests(allowance: Allowance) -> Response:
    error = ApiError(429, "RATE_LIMIT_EXCEEDED", "You have exceeded the rate limit")
    return JSONResponse(error.body(), error.status, allowance.headers())
