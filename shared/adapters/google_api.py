"""Google's HTTP APIs: one client a thread, keyless delegation, errors classified.

httplib2, below google-api-python-client, is not thread-safe, so each thread builds its own
service (1-2 ms, from discovery documents inside the package).
"""

import json
import socket
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin

import google.auth
import google_auth_httplib2
import httplib2
from google.auth import exceptions as auth_errors
from google.auth import impersonated_credentials
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from googleapiclient.errors import HttpError

from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.settings import GoogleSettings

# Reasons that Google documents as "retry with backoff", sent with 403 or 429.
_RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
# Can be the protection against spam to outside attendees, or a day's allowance used up; Google
# names no time, an hour is usual.
_QUOTA_REASONS = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_QUOTA_WAIT_S = 3600.0
_SERVER_ERROR = 500


class GoneError(PermanentError):
    """There is nothing of that id (404 or 410)."""


class DuplicateError(PermanentError):
    """The id is taken already (409)."""


class GoogleService:
    """A Google API (``calendar`` v3, ``gmail`` v1) on behalf of the Workspace user."""

    def __init__(
        self, api: str, version: str, scopes: Sequence[str], settings: GoogleSettings
    ) -> None:
        self._api = api
        self._version = version
        self._settings = settings
        self._credentials = _credentials(scopes, settings)
        self._local = threading.local()

    @property
    def client(self) -> Any:
        """The calling thread's client."""
        return self.resource()

    def resource(self, *names: str) -> Any:
        """Return the calling thread's resource of this name, like ``users``, ``drafts``.

        Kept, since the client makes all methods of a resource anew whenever it is asked for one,
        which takes longer than to send a request.
        """
        known: dict[tuple[str, ...], Any] = self._local.__dict__.setdefault("known", {})
        if names not in known:
            parent = self.resource(*names[:-1]) if names else None
            known[names] = self._build() if parent is None else getattr(parent, names[-1])()
        return known[names]

    def execute(self, request: Any) -> Any:
        """Send a request of this API's client and return its decoded answer."""
        try:
            return _execute_anew_if_closed(request)
        except HttpError as error:
            raise classified(self._api, error) from error
        except (auth_errors.GoogleAuthError, ConnectionRefusedError, socket.gaierror) as error:
            raise NotDoneError(f"{self._api} cannot be reached: {type(error).__name__}") from error
        except (OSError, httplib2.HttpLib2Error) as error:
            raise RetryableError(f"{self._api} did not answer: {type(error).__name__}") from error
        except ValueError as error:
            raise RetryableError(f"{self._api}'s answer cannot be read") from error

    def _build(self) -> Any:
        http = httplib2.Http(timeout=self._settings.timeout_s)
        options = {}
        if self._settings.api_base_url:
            # The endpoint replaces the whole base, path included.
            path = "calendar/v3/" if self._api == "calendar" else ""
            options["api_endpoint"] = urljoin(f"{self._settings.api_base_url}/", path)
        return discovery.build(
            self._api,
            self._version,
            http=google_auth_httplib2.AuthorizedHttp(self._credentials, http=http),
            client_options=options,
            static_discovery=True,
        )


def _execute_anew_if_closed(request: Any) -> Any:
    """Send a request, once more where a kept connection turns out to be closed.

    All that is sent this way may be sent twice: ids are ours, and a spare draft is never sent.
    """
    try:
        return request.execute(num_retries=0)
    except (BrokenPipeError, ConnectionResetError, ConnectionAbortedError):
        return request.execute(num_retries=0)


def classified(api: str, error: HttpError) -> Exception:
    """Return what an HTTP error of Google's means for us."""
    status, reason = error.resp.status, _reason(error)
    said = f"{api} answered {status} {reason}"
    if status == 429 or reason in _RATE_REASONS:  # noqa: PLR2004 - too many requests
        return NotDoneError(said)
    if reason in _QUOTA_REASONS:
        return NotDoneError(said, retry_after=_QUOTA_WAIT_S)
    if status in {404, 410}:
        return GoneError(said)
    if status == 409:  # noqa: PLR2004 - conflict
        return DuplicateError(said)
    if status >= _SERVER_ERROR or status in {401, 408, 412}:
        return RetryableError(said)
    return PermanentError(said)


def _reason(error: HttpError) -> str:
    try:
        return str(json.loads(error.content)["error"]["errors"][0]["reason"])
    except (ValueError, KeyError, IndexError, TypeError):
        return "unknown"


def _credentials(scopes: Sequence[str], settings: GoogleSettings) -> Any:
    if settings.api_base_url:
        return Credentials(token="local")  # noqa: S106 - the simulator takes any token
    own: Any
    own, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/iam"])
    if own.service_account_email == "default":
        # On Cloud Run the library learns the name only by asking the metadata server.
        own.refresh(google_auth_httplib2.Request(httplib2.Http(timeout=settings.timeout_s)))
    # Keyless domain-wide delegation: the function's own identity signs for the Workspace user.
    return impersonated_credentials.Credentials(
        source_credentials=own,
        target_principal=own.service_account_email,
        target_scopes=list(scopes),
        subject=settings.subject,
    )
