"""What can go wrong, classified where it arises: retry it, give it to a person, or refuse it."""


class PipelineError(Exception):
    """Anything that this system raises on purpose."""


class RetryableError(PipelineError):
    """It may work later: the message is given back and comes again.

    ``retry_after`` is the number of seconds to wait, where somebody named one.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotDoneError(RetryableError):
    """The other side refused before it did anything (rate limit, no connection): just try again."""


class ClaimedError(RetryableError):
    """Another delivery is doing this step right now."""


class PermanentError(PipelineError):
    """It will fail the same way every time: it is recorded and shown to the admin, not retried."""


class NotRefundableError(PermanentError):
    """The way it was paid with takes no refunds through the provider's API."""


class InvalidMessageError(PermanentError):
    """A message that can never be handled: kept in the rejected store with this reason."""


class ConflictingOrderError(InvalidMessageError):
    """An order id that is already in use came again with other content."""


class TransitionError(PipelineError):
    """The order's status cannot change that way."""


class SettingsError(PipelineError):
    """Settings are missing or wrong; the message names every one of them."""


class ActionRefusedError(PipelineError):
    """What a person asked for cannot be done now; ``reason`` says why, for the page to explain."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
