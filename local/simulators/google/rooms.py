"""Meet rooms: asked for with an event, ready a little later."""

import hashlib
import time
from typing import Annotated, Literal

import msgspec

from local.simulators.google.wire import Json, invalid

Outcome = Literal["success", "failure", "pending"]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the next ``times`` rooms turn out, after ``delay_s`` real seconds (None: the usual).

    ``pending`` stays so for ever, or becomes a success after ``delay_s``.
    """

    outcome: Outcome
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    delay_s: float | None = None


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A room under way. ``ready_at`` is in seconds of the machine's own clock, None for never."""

    outcome: Literal["success", "failure"]
    ready_at: float | None

    @property
    def is_due(self) -> bool:
        """Say whether the outcome should show by now."""
        return self.ready_at is not None and time.time() >= self.ready_at


class Rooms:
    """Decides how each requested room turns out."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.plans: list[Plan] = []

    def request(self) -> Room:
        """Return the room of a fresh request, by the next plan or as usual."""
        plan = self._next_plan()
        delay_s = self.delay_s if plan.delay_s is None else plan.delay_s
        if plan.outcome == "pending" and plan.delay_s is None:
            return Room(outcome="success", ready_at=None)
        outcome: Literal["success", "failure"] = (
            "failure" if plan.outcome == "failure" else "success"
        )
        return Room(outcome=outcome, ready_at=time.time() + delay_s)

    def _next_plan(self) -> Plan:
        if not self.plans:
            return Plan(outcome="success")
        plan = self.plans[0]
        left = msgspec.structs.replace(plan, times=plan.times - 1)
        self.plans[:1] = [left] if left.times > 0 else []
        return plan


def checked_request(conference: Json) -> Json | None:
    """Return the createRequest of a conferenceData, None without one; GoogleError 400."""
    request: Json | None = conference.get("createRequest")
    if request is None:
        return None
    # Google's own words for a type that the calendar does not allow.
    if (request.get("conferenceSolutionKey") or {}).get("type") != "hangoutsMeet":
        raise invalid("Invalid conference type value.")
    if not request.get("requestId"):
        raise invalid("Missing conference request id.", reason="required")
    return {
        "requestId": request["requestId"],
        "conferenceSolutionKey": {"type": "hangoutsMeet"},
    }


def pending(request: Json) -> Json:
    """Return the conferenceData of a request that is still being worked on."""
    return {"createRequest": request | {"status": {"statusCode": "pending"}}}


def finished(conference: Json, outcome: str, seed: str) -> Json:
    """Return the conferenceData after the outcome; ``seed`` decides the room's code."""
    request = conference["createRequest"] | {"status": {"statusCode": outcome}}
    if outcome == "failure":
        return {"createRequest": request}
    code = meet_code(seed + request["requestId"])
    return {
        "createRequest": request,
        "entryPoints": [
            {
                "entryPointType": "video",
                "uri": f"https://meet.google.com/{code}",
                "label": f"meet.google.com/{code}",
            }
        ],
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "conferenceId": code,
    }


def meet_code(seed: str) -> str:
    """Return a code of Meet's form, ``abc-defg-hij``, always the same for one seed."""
    digest = hashlib.sha256(seed.encode()).digest()
    letters = "".join(chr(ord("a") + byte % 26) for byte in digest[:10])
    return f"{letters[:3]}-{letters[3:7]}-{letters[7:]}"
