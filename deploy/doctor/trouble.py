"""What a check finds wrong, and what to do about it."""

from collections.abc import Mapping

from shared.errors import PipelineError


class TroubleError(PipelineError):
    """Something does not work. ``remedy`` says what to do, in one or two sentences."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def diagnosed(error: BaseException, remedies: Mapping[str, str], otherwise: str) -> TroubleError:
    """Return the trouble behind an error: the first remedy whose key its message contains."""
    said = _all_of(error)
    found = (remedy for key, remedy in remedies.items() if key in said)
    return TroubleError(said, next(found, otherwise))


def _all_of(error: BaseException | None) -> str:
    """Return the messages of an error and of those that it was raised from."""
    parts = []
    while error is not None:
        parts.append(str(error) or type(error).__name__)
        error = error.__cause__
    return " < ".join(parts)
