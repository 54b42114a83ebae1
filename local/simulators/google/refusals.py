"""Refusals in Google's words that Faults cannot express: a chosen reason at a chosen operation."""

from collections import Counter
from typing import Annotated, Literal

import msgspec

from local.simulators.google.wire import GoogleError

Reason = Literal[
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "forbiddenForServiceAccounts",
    "insufficientPermissions",
    "authError",
    "backendError",
]

# Status, domain, message: Calendar API guide "Handle API errors" and what users of it report.
_WORDS: dict[Reason, tuple[int, str, str]] = {
    "rateLimitExceeded": (403, "usageLimits", "Rate Limit Exceeded"),
    "userRateLimitExceeded": (403, "usageLimits", "User Rate Limit Exceeded"),
    "quotaExceeded": (403, "usageLimits", "Calendar usage limits exceeded."),
    "dailyLimitExceeded": (403, "usageLimits", "Daily Limit Exceeded"),
    "forbiddenForServiceAccounts": (
        403,
        "calendar",
        "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.",
    ),
    "insufficientPermissions": (403, "global", "Insufficient Permission"),
    "authError": (401, "global", "Invalid Credentials"),
    "backendError": (503, "global", "Backend Error"),
}


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next ``times`` calls of an operation (``*``: any) are refused for a reason.

    ``status`` replaces the usual one: ``rateLimitExceeded`` comes as 403 and as 429.
    """

    operation: str
    reason: Reason
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    status: int | None = None

    def error(self) -> GoogleError:
        """Return what the caller gets to see."""
        status, domain, message = _WORDS[self.reason]
        return GoogleError(self.status or status, self.reason, message, domain=domain)


class Refusals:
    """The refusals in force and how often each reason has been given."""

    def __init__(self) -> None:
        self.rules: list[Refusal] = []
        self.given: Counter[str] = Counter()

    def check(self, operation: str) -> None:
        """Raise the GoogleError of the first rule for this operation, and count it."""
        for index, rule in enumerate(self.rules):
            if rule.operation in (operation, "*"):
                left = msgspec.structs.replace(rule, times=rule.times - 1)
                self.rules[index : index + 1] = [left] if left.times else []
                self.given[f"{operation}:{rule.reason}"] += 1
                raise rule.error()
