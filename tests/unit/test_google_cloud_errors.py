"""Which of Google Cloud's errors may pass, and which will not."""

import pytest
from google.api_core import exceptions

from shared.adapters.google_cloud_errors import classified
from shared.errors import PermanentError, RetryableError

PERMANENT = [
    exceptions.InvalidArgument("x"),
    exceptions.PermissionDenied("x"),
    exceptions.Unauthenticated("x"),
]
RETRYABLE = [
    exceptions.Aborted("x"),
    exceptions.DeadlineExceeded("x"),
    exceptions.FailedPrecondition("x"),
    exceptions.InternalServerError("x"),
    exceptions.NotFound("x"),
    exceptions.ResourceExhausted("x"),
    exceptions.RetryError("x", cause=None),
    exceptions.ServiceUnavailable("x"),
    exceptions.Unknown("x"),
]


@pytest.mark.parametrize("error", PERMANENT, ids=lambda error: type(error).__name__)
def test_a_wrong_or_forbidden_request_is_permanent(error: Exception) -> None:
    with pytest.raises(PermanentError, match=r"^doing it: .*x") as raised, classified("doing it"):
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", RETRYABLE, ids=lambda error: type(error).__name__)
def test_everything_else_may_pass(error: Exception) -> None:
    with pytest.raises(RetryableError, match=r"^doing it: .*x") as raised, classified("doing it"):
        raise error
    assert raised.value.__cause__ is error


def test_errors_of_our_own_pass_through() -> None:
    with pytest.raises(LookupError, match=r"^mine$"), classified("doing it"):
        raise LookupError("mine")
