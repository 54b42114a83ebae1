"""What Google's JSON APIs have in common: the checked call, the error envelope, pages."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Json = dict[str, Any]

_GRPC_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
}


class GoogleError(Exception):
    """A refusal in Google's words: HTTP status, machine-readable reason, message."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has passed the check against the discovery document.

    ``query`` holds typed values (bool, int, str, lists for repeated parameters) with Google's
    defaults filled in; ``body`` is ``{}`` where the method takes none.
    """

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Json
    if_match: str | None


Handler = Callable[[Call], Response]


def invalid(message: str, *, reason: str = "invalid") -> GoogleError:
    """Return the 400 for a value that Google does not take."""
    return GoogleError(400, reason, message)


def empty_range() -> GoogleError:
    """Return the 400 for an end before its start (Calendar API guide, "Handle API errors")."""
    return GoogleError(
        400,
        "timeRangeEmpty",
        "The specified time range is empty.",
        domain="calendar",
        location=("parameter", "timeMax"),
    )


def error_response(error: GoogleError, *, with_status: bool) -> Response:
    """Render the envelope; newer APIs (Gmail) add the gRPC ``status``, Calendar does not."""
    detail = {"domain": error.domain, "reason": error.reason, "message": error.message}
    if error.location:
        detail |= {"locationType": error.location[0], "location": error.location[1]}
    envelope: Json = {"errors": [detail], "code": error.status, "message": error.message}
    if with_status:
        envelope["status"] = _GRPC_STATUS.get(error.status, "UNKNOWN")
    return JSONResponse({"error": envelope}, status_code=error.status)


def require_token(request: Request) -> None:
    """Take any bearer token, refuse a request without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise GoogleError(401, "required", "Login Required.", location=("header", "Authorization"))


def parse_body(content: bytes) -> Json:
    """Decode a JSON object; an empty body counts as ``{}``."""
    try:
        body = msgspec.json.decode(content or b"{}")
    except msgspec.DecodeError as error:
        raise invalid("Parse Error", reason="parseError") from error
    if not isinstance(body, dict):
        raise invalid("Parse Error", reason="parseError")
    return body


def page(items: Sequence[Json], token: str | None, size: int) -> tuple[Sequence[Json], str | None]:
    """Return one page and the token of the next, None after the last."""
    start = 0 if token is None else _offset(token)
    end = start + size
    following = base64.urlsafe_b64encode(f"offset:{end}".encode()).decode()
    return items[start:end], following if end < len(items) else None


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("offset:"))
    except (binascii.Error, ValueError) as error:
        raise invalid("Invalid page token value.") from error
