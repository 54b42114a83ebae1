"""Google Cloud's errors, sorted once for all adapters on google-api-core clients."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import Forbidden, GoogleAPIError, InvalidArgument, Unauthorized

from shared.errors import PermanentError, RetryableError

# The request itself is wrong, or we may not make it. Everything else may pass: a missing topic or
# database is being deployed, a timeout or an unknown status is no statement about the request.
_PERMANENT = (InvalidArgument, Forbidden, Unauthorized)


@contextmanager
def classified(action: str) -> Iterator[None]:
    """Raise what Google's client raises inside as RetryableError or PermanentError.

    ``action`` says what was being done, for the message.
    """
    try:
        yield
    except _PERMANENT as error:
        raise PermanentError(f"{action}: {error}") from error
    except GoogleAPIError as error:
        raise RetryableError(f"{action}: {error}") from error
