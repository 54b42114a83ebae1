"""Calendars in memory."""

import threading
from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.meetings import CalendarEvent, MeetingRequest, RoomStatus
from shared.domain.schedule import Period
from tests.fakes.world import Faults


class FakeMeetingScheduler:
    """MeetingScheduler in memory.

    A new room is pending for the first ``pending_reads`` answers about it, then ready, or failed
    for the next ``failing_rooms`` rooms that are asked for. The same room request again changes
    nothing. A deleted event's id stays taken.
    """

    def __init__(self, *, pending_reads: int = 0, failing_rooms: int = 0) -> None:
        self.faults = Faults()
        self.pending_reads = pending_reads
        self.failing_rooms = failing_rooms
        self.requests: dict[str, MeetingRequest] = {}
        self._events: dict[str, CalendarEvent] = {}
        self._reads_left: dict[str, int] = {}
        self._outcome: dict[str, RoomStatus] = {}
        self._lock = threading.RLock()

    @property
    def live(self) -> Sequence[CalendarEvent]:
        """The events that are in the calendar and not cancelled."""
        return [event for event in self._events.values() if not event.cancelled]

    def ensure(self, request: MeetingRequest) -> CalendarEvent:
        self.faults.entering("ensure")
        with self._lock:
            event = self._events.get(request.event_id)
            if event is None or self._asks_anew(event, request):
                self._request_room(request)
            elif event.revision < request.revision and not event.cancelled:
                self._move(event, request)
        self.faults.leaving("ensure")
        return self._read(request.event_id)

    def get(self, event_id: str) -> CalendarEvent | None:
        self.faults.entering("get")
        return self._read(event_id) if event_id in self._events else None

    def cancel(self, event_id: str) -> None:
        self.faults.entering("cancel")
        with self._lock:
            if event_id in self._events:
                self.delete(event_id)
        self.faults.leaving("cancel")

    def delete(self, event_id: str) -> None:
        """Delete the event as a person in the calendar would."""
        self._events[event_id] = msgspec.structs.replace(self._events[event_id], cancelled=True)

    def _asks_anew(self, event: CalendarEvent, request: MeetingRequest) -> bool:
        if event.cancelled or event.room is RoomStatus.READY or event.revision > request.revision:
            return False
        return self.requests[event.event_id].room_request_id != request.room_request_id

    def _move(self, event: CalendarEvent, request: MeetingRequest) -> None:
        self.requests[request.event_id] = request
        self._events[request.event_id] = msgspec.structs.replace(
            event, starts_at=request.session.starts_at, revision=request.revision
        )

    def _request_room(self, request: MeetingRequest) -> None:
        fails = self.failing_rooms > 0
        self.failing_rooms -= fails
        self.requests[request.event_id] = request
        self._reads_left[request.event_id] = self.pending_reads
        self._outcome[request.event_id] = RoomStatus.FAILED if fails else RoomStatus.READY
        self._events[request.event_id] = CalendarEvent(
            event_id=request.event_id,
            cancelled=False,
            room=RoomStatus.PENDING,
            starts_at=request.session.starts_at,
            revision=request.revision,
        )

    def _read(self, event_id: str) -> CalendarEvent:
        with self._lock:
            event = self._events[event_id]
            if event.room is RoomStatus.PENDING and not event.cancelled:
                if self._reads_left[event_id] > 0:
                    self._reads_left[event_id] -= 1
                    return event
                self._events[event_id] = event = self._settled(event)
            return event

    def _settled(self, event: CalendarEvent) -> CalendarEvent:
        room = self._outcome[event.event_id]
        url = f"https://meet.google.com/{event.event_id[:10]}" if room is RoomStatus.READY else None
        return msgspec.structs.replace(event, room=room, meet_url=url)


class FakeBusyCalendars:
    """BusyCalendars in memory: ``times`` by address; who is not in it shares nothing."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.times: dict[str, list[Period]] = {}

    def busy(self, email: str, begin: datetime, end: datetime) -> Sequence[Period]:
        self.faults.entering("busy")
        asked = Period(starts_at=begin, ends_at=end)
        return [period for period in self.times.get(email, ()) if period.overlaps(asked)]
