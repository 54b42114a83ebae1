"""Checks of Xendit, Google and the mail server: each does the real thing once, and undoes it."""

import smtplib
import ssl
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from deploy.doctor.trouble import TroubleError, diagnosed
from shared.adapters import google_calendar
from shared.adapters.google_api import GoogleService
from shared.domain.notifications import Mail
from shared.errors import PipelineError
from shared.ports import BusyCalendars, InvoiceGateway, Mailer
from shared.settings import GoogleSettings, SmtpSettings

_ROOM_POLLS = 20
_POLL_S = 0.5

_XENDIT = {
    " 401 ": "XENDIT_SECRET_KEY is not a key of Xendit's: copy it from the dashboard, Settings,"
    " API Keys, and run ./deploy.sh again.",
    " 403 ": "The key may not use invoices: make one with read and write permission for"
    ' "Money-in", put it in XENDIT_SECRET_KEY, and run ./deploy.sh again.',
    "reached": "Is this machine online? XENDIT_BASE_URL should be left empty.",
}
_DELEGATION = (
    "A super admin of the Workspace has to allow it: admin.google.com, Security, API controls,"
    " Domain-wide delegation, Add new, with the client ID and scopes that ./deploy.sh prints at"
    " its end. It can take some minutes, rarely a day."
)
GOOGLE = {
    "unauthorized_client": _DELEGATION,
    "access_denied": _DELEGATION,
    "invalid_grant": "GOOGLE_SUBJECT is no user of the Workspace: use the address of a real user.",
    "signJwt": "The account may not sign for itself: run ./deploy.sh again.",
    "getAccessToken": "You may not act as the function's account: give yourself the role"
    " roles/iam.serviceAccountTokenCreator on it for the time of the check"
    " (docs/deploying.md, step 6).",
    "accessNotConfigured": "The API is off: run ./deploy.sh again.",
    "notFound": "GOOGLE_CALENDAR_ID is no calendar that GOOGLE_SUBJECT can see.",
    "Gone": "GOOGLE_CALENDAR_ID is no calendar that GOOGLE_SUBJECT can see.",
    "answered 404": "GOOGLE_CALENDAR_ID is no calendar that GOOGLE_SUBJECT can see.",
    "answered 403": "GOOGLE_SUBJECT may not write there: share the calendar with it, or use"
    " its own (leave GOOGLE_CALENDAR_ID empty).",
    "answered 400": "GOOGLE_SUBJECT has no mailbox or may not make Meet rooms: give it a licence"
    " with Gmail and Meet, and switch Meet on for it in the admin console.",
}
_SMTP = {
    "535": "SMTP_USER or SMTP_PASSWORD is wrong.",
    "CERTIFICATE_VERIFY_FAILED": "The server's certificate is not for SMTP_HOST: use the name that"
    " it is made out to.",
    "[SSL": "The server speaks otherwise on SMTP_PORT: 465 goes with"
    " SMTP_SECURITY=tls, 587 with starttls.",
    "STARTTLS extension not supported": "The server has no STARTTLS on SMTP_PORT: try 465 with"
    " SMTP_SECURITY=tls.",
}
OTHERWISE = "Try again in some minutes; the text above is what the other side said."


def check_xendit(invoices: InvoiceGateway) -> None:
    """Look for the invoices of an order that there is not."""
    try:
        invoices.find("doctor-check")
    except PipelineError as error:
        raise diagnosed(error, _XENDIT, OTHERWISE) from error


def check_calendar(
    settings: GoogleSettings, now: datetime, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Insert an event a month ahead, without guests, wait for its room, delete it."""
    try:
        service = GoogleService("calendar", "v3", google_calendar.SCOPES, settings)
        events = service.client.events()
        created = service.execute(
            events.insert(
                calendarId=settings.calendar_id,
                conferenceDataVersion=1,
                sendUpdates="none",
                body=_event(now + timedelta(days=30)),
            )
        )
        one = {"calendarId": settings.calendar_id, "eventId": created["id"]}
        try:
            _await_room(service, created, one, sleep)
        finally:
            service.execute(events.delete(sendUpdates="none", **one))
    except TroubleError:
        raise
    except Exception as error:
        raise diagnosed(error, GOOGLE, OTHERWISE) from error


def _event(starts: datetime) -> dict[str, Any]:
    room = {
        "requestId": f"doctor-{starts.timestamp():.0f}",
        "conferenceSolutionKey": {"type": "hangoutsMeet"},
    }
    return {
        "summary": "Check of the order pipeline (deletes itself)",
        "start": {"dateTime": starts.isoformat(), "timeZone": "UTC"},
        "end": {"dateTime": (starts + timedelta(minutes=30)).isoformat(), "timeZone": "UTC"},
        "conferenceData": {"createRequest": room},
    }


def _await_room(
    service: GoogleService, event: Any, one: dict[str, str], sleep: Callable[[float], None]
) -> None:
    for _ in range(_ROOM_POLLS):
        if event.get("hangoutLink"):
            return
        sleep(_POLL_S)
        event = service.execute(service.client.events().get(**one))
    if not event.get("hangoutLink"):
        raise TroubleError(
            "the calendar event got no Meet room",
            "Switch Google Meet on for GOOGLE_SUBJECT in the admin console (Apps, Google"
            " Workspace, Google Meet), and check that its licence has it.",
        )


def check_gmail(mailer: Callable[[], Mailer], to_email: str) -> None:
    """Store a draft and delete it; nothing is sent."""
    try:
        gmail = mailer()
        gmail.discard(
            gmail.draft(
                Mail(
                    key="doctor",
                    to_name="Doctor",
                    to_email=to_email,
                    subject="Check of the order pipeline",
                    text="This draft deletes itself.",
                    html="<p>This draft deletes itself.</p>",
                )
            )
        )
    except Exception as error:
        raise diagnosed(error, GOOGLE, OTHERWISE) from error


def check_busy_calendars(calendars: BusyCalendars, email: str, now: datetime) -> None:
    """Ask when somebody is busy in the next hour."""
    try:
        calendars.busy(email, now, now + timedelta(hours=1))
    except PipelineError as error:
        raise diagnosed(error, GOOGLE, OTHERWISE) from error


def check_smtp(settings: SmtpSettings) -> None:
    """Log in to the mail server; nothing is sent."""
    tls = ssl.create_default_context()
    host, port, timeout = settings.host, settings.port, settings.timeout_s
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=timeout, context=tls)
            if settings.security == "tls"
            else smtplib.SMTP(host, port, timeout=timeout)
        ) as session:
            if settings.security == "starttls":
                session.starttls(context=tls)
            if settings.user:
                session.login(settings.user, settings.password)
            session.noop()
    except OSError as error:
        raise diagnosed(error, _SMTP, f"Is {host}:{port} right? {OTHERWISE}") from error
