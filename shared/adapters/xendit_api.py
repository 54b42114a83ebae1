"""What Xendit's APIs have in common: the connection, how they fail, how they are read.

The SDK's own models reject valid responses and lose unknown values, its errors hide status and
headers, it has no timeouts and retries reads by itself; so only its request side is used.
Status codes, error codes and rate-limit headers: Xendit's API reference.
"""

import decimal
import time
from collections.abc import Callable
from typing import Any

import msgspec
import urllib3
from xendit import ApiClient, Configuration

from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.settings import XenditSettings

# Given an error code and the whole of what was said: what it means, or None for the usual.
Explain = Callable[[str, str], Exception | None]

_TOO_MANY = 429
_NOT_FOUND = 404
_REFUSED = 400
_SERVER_ERROR = 500
_DEFAULT_RATE_LIMIT_WAIT_S = 60.0
# Xendit's windows are a minute long: a header beyond this is not a number of seconds.
_LONGEST_RATE_LIMIT_WAIT_S = 600.0


class NotFoundError(PermanentError):
    """Xendit has nothing of this id."""


class _WireError(msgspec.Struct, frozen=True, kw_only=True):
    error_code: str = "UNKNOWN"
    message: str = ""


def _as_usual(_code: str, _said: str) -> None:
    return None


class XenditConnection:
    """One configured client of the SDK. Safe to share between threads.

    ``options`` belong into every call. ``explain`` says which error codes of this API mean
    something else than their status does.
    """

    def __init__(self, settings: XenditSettings, explain: Explain = _as_usual) -> None:
        configuration = Configuration(host=settings.base_url, api_key=settings.secret_key)
        self.client = ApiClient(configuration)
        self._pool = _ClassifyingPool(explain)
        self.client.rest_client.pool_manager = self._pool
        self.options = {"_preload_content": False, "_request_timeout": settings.timeout_s}

    def budget(self) -> float:
        """Return the share (0..1) of the rate limit that is left, as last told; 1 if unknown."""
        share, until = self._pool.budget
        return share if time.monotonic() < until else 1.0


class _ClassifyingPool(urllib3.PoolManager):
    """The SDK's connection pool, with every failure turned into one of our errors.

    Done here because only here the status, the headers and the body are all at hand.
    ``budget`` is the share of the rate limit that is left, and until when (monotonic) that holds.
    """

    budget: tuple[float, float] = (1.0, 0.0)

    def __init__(self, explain: Explain) -> None:
        super().__init__(maxsize=16, retries=False, block=False)
        self._explain = explain

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """Send a request; return the response if it is a success."""
        try:
            response = super().request(method, url, *args, **options)
            body = response.data  # read here, since the connection can break in the middle of it
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as e:
            raise NotDoneError(f"Xendit cannot be reached: {type(e).__name__}") from e
        except urllib3.exceptions.HTTPError as error:
            raise RetryableError(f"Xendit did not answer: {type(error).__name__}") from error
        self.budget = _budget(response.headers)
        if response.status >= 300:  # noqa: PLR2004 - redirects are not followed either
            raise self._classified(response.status, response.headers, body)
        return response

    def _classified(self, status: int, headers: Any, body: bytes) -> Exception:
        try:
            wire = msgspec.json.decode(body, type=_WireError)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            wire = _WireError()  # a proxy's HTML page, or nothing
        said = f"Xendit answered {status} {wire.error_code}: {wire.message}"
        usual = _by_status(status, headers, said)
        if _REFUSED <= status < _SERVER_ERROR and status != _TOO_MANY:
            return self._explain(wire.error_code, said) or usual
        return usual


def decode(body: bytes, kind: Any) -> Any:
    """Return what a body says; RetryableError where it cannot be read.

    Retryable even after a create: asked again, Xendit tells of what it has made, by invoice or key.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RetryableError(f"Xendit's answer cannot be read: {error}") from error


def whole(amount: decimal.Decimal) -> int:
    """Return an amount in whole units of its currency."""
    if amount != amount.to_integral_value():
        raise RetryableError(f"Xendit names {amount}, which is not a whole amount")
    return int(amount)


def _by_status(status: int, headers: Any, said: str) -> Exception:
    if status == _TOO_MANY:
        return NotDoneError(said, retry_after=_seconds_until_reset(headers))
    if status == _NOT_FOUND:
        return NotFoundError(said)
    if not _REFUSED <= status < _SERVER_ERROR or status == 408:  # noqa: PLR2004 - request timeout
        return RetryableError(said)
    if status in {401, 403}:
        # Our key, not this order: everything waits until the key is right, nothing is given up.
        return NotDoneError(said, retry_after=_DEFAULT_RATE_LIMIT_WAIT_S)
    return PermanentError(said)


def _budget(headers: Any) -> tuple[float, float]:
    try:
        share = float(headers["Rate-Limit-Remaining"]) / float(headers["Rate-Limit-Limit"])
    except (KeyError, ValueError, ZeroDivisionError):
        return 1.0, 0.0
    return share, time.monotonic() + _seconds_until_reset(headers)


def _seconds_until_reset(headers: Any) -> float:
    try:
        wait = float(headers.get("Rate-Limit-Reset", ""))
    except ValueError:
        return _DEFAULT_RATE_LIMIT_WAIT_S
    return min(max(0.0, wait), _LONGEST_RATE_LIMIT_WAIT_S)
