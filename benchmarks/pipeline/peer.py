"""The same four steps as one durable workflow of DBOS Transact, on its SQLite system database.

Runs in an environment of its own, with the vendors' same clients: ``python peer.py SETTINGS PORT``,
the settings as JSON. ``thorough`` makes it do what ours does beside the four steps: ask Xendit
whether the payment is true, and send four mails instead of one.
"""

import asyncio
import base64
import json
import sys
import threading
import time
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

import google_auth_httplib2
import httplib2
import urllib3
import uvicorn
from dbos import DBOS, SetWorkflowID
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from xendit import ApiClient, Configuration
from xendit.invoice.invoice_api import InvoiceApi
from xendit.invoice.model.create_invoice_request import CreateInvoiceRequest

SETTINGS: dict[str, Any] = json.loads(sys.argv[1])
PORT = int(sys.argv[2])
POLLS_S = (0.25, 0.5, 1.0, 2.0)
PATIENCE_S = 600
# A kept connection may turn out to be closed; ours sends again then, too.
AGAIN = {"retries_allowed": True, "max_attempts": 3, "interval_seconds": 0.1}
RAW = {"_preload_content": False, "_request_timeout": 5.0}

DBOS(
    config={
        "name": "peer",
        "system_database_url": f"sqlite:///{SETTINGS['database']}",
        # As often as our own dispatcher looks; the default is once a second.
        "notification_listener_polling_interval_sec": 0.01,
        "executor_id": str(PORT),
        "log_level": "WARNING",
    }
)
seen: list[dict[str, Any]] = []
local = threading.local()
_client = ApiClient(Configuration(host=SETTINGS["xendit"], api_key=SETTINGS["key"]))
_client.rest_client.pool_manager = urllib3.PoolManager(maxsize=16, retries=False)
xendit = InvoiceApi(_client)


def google(api: str, version: str, path: str, *names: str) -> Any:
    """Return the calling thread's resource: the client cannot be shared."""
    known = local.__dict__.setdefault("known", {})
    if names not in known:
        credentials = Credentials(token="local")  # noqa: S106 - the simulator takes any
        http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=5))
        resource = discovery.build(
            api,
            version,
            http=http,
            client_options={"api_endpoint": f"{SETTINGS['google']}/{path}"},
            static_discovery=True,
        )
        for name in names:
            resource = getattr(resource, name)()
        known[names] = resource
    return known[names]


@DBOS.step(**AGAIN)
def create_invoice(order: dict[str, Any]) -> dict[str, str]:
    """Make the invoice."""
    request = CreateInvoiceRequest(
        external_id=order["order_id"],
        amount=float(order["price"]["amount"]),
        currency="IDR",
        description=order["topic"],
        payer_email=order["mentee"]["email"],
        invoice_duration=86_400.0,
        should_send_email=False,
    )
    made = json.loads(xendit.create_invoice(request, **RAW).data)
    return {"id": made["id"], "url": made["invoice_url"]}


@DBOS.step(**AGAIN)
def confirmed(invoice_id: str) -> bool:
    """Ask Xendit whether the invoice is paid."""
    told = json.loads(xendit.get_invoice_by_id(invoice_id, **RAW).data)
    return told["status"] in {"PAID", "SETTLED"}


@DBOS.step(**AGAIN)
def make_event(order: dict[str, Any]) -> str:
    """Put the session into the calendar and wait for its room."""
    events = google("calendar", "v3", "calendar/v3/", "events")
    name = order["order_id"].encode().hex()
    when = order["session"]
    body = {
        "id": name,
        "summary": order["topic"],
        "start": {"dateTime": when["starts_at"]},
        "end": {"dateTime": when["ends_at"]},
        "attendees": [{"email": order[who]["email"]} for who in ("mentee", "mentor")],
        "conferenceData": {
            "createRequest": {
                "requestId": name,
                "conferenceSolutionKey": {"type": "hangoutsMeet"},
            }
        },
    }
    event = events.insert(
        calendarId="primary", conferenceDataVersion=1, sendUpdates="all", body=body
    ).execute()
    for pause_s in POLLS_S:
        if "hangoutLink" in event:
            break
        time.sleep(pause_s)
        event = events.get(calendarId="primary", eventId=name).execute()
    return str(event["hangoutLink"])


@DBOS.step(**AGAIN)
def draft(reader: dict[str, str], subject: str, said: str) -> str:
    """Write a mail, in text and HTML as ours are."""
    message = EmailMessage()
    message["From"] = "Nusademy <sessions@nusademy.example>"
    message["To"] = reader["email"]
    message["Subject"] = subject
    message.set_content(said * 10)
    message.add_alternative(f"<html><body>{said * 60}</body></html>", subtype="html")
    raw = base64.urlsafe_b64encode(message.as_bytes()).decode()
    drafts = google("gmail", "v1", "", "users", "drafts")
    return str(drafts.create(userId="me", body={"message": {"raw": raw}}).execute()["id"])


@DBOS.step(**AGAIN)
def send(draft_id: str) -> None:
    """Send it."""
    google("gmail", "v1", "", "users", "drafts").send(userId="me", body={"id": draft_id}).execute()


@DBOS.workflow()
def sell(order: dict[str, Any]) -> None:
    """Sell one session."""
    invoice = create_invoice(order)
    note(order, "invoiced", invoice_id=invoice["id"])
    if SETTINGS["thorough"]:
        tell(order["mentee"], "Your invoice", invoice["url"])
    note(order, "told")
    DBOS.recv("paid", timeout_seconds=PATIENCE_S)
    if SETTINGS["thorough"]:
        assert confirmed(invoice["id"])
        tell(order["mentee"], "We have your payment", invoice["url"])
    room = make_event(order)
    note(order, "room")
    tell(order["mentee"], "Your session", room)
    if SETTINGS["thorough"]:
        tell(order["mentor"], "Your session", room)
    note(order, "done")


def tell(reader: dict[str, str], subject: str, link: str) -> None:
    """Send a mail in two steps, as ours does, so that a crash does not send it twice."""
    send(draft(reader, subject, f"{subject}: {link}\n"))


def note(order: dict[str, Any], what: str, **more: str) -> None:
    """Let the load see it."""
    seen.append({"order_id": order["order_id"], "what": what, "at": time.time(), **more})


def take(_headers: Mapping[str, str], order: dict[str, Any]) -> None:
    """Begin the workflow of an order."""
    with SetWorkflowID(order["order_id"]):
        DBOS.start_workflow(sell, order)


def webhook(headers: Mapping[str, str], told: dict[str, Any]) -> None:
    """Wake the workflow that waits for this payment."""
    assert headers["x-callback-token"] == SETTINGS["token"]
    order_id = told["external_id"]
    # Webhooks may come twice; ours does not mind either.
    DBOS.send(order_id, told, topic="paid", idempotency_key=order_id)


def endpoint(handle: Any) -> Any:
    """Serve a handler that blocks, in a thread."""

    async def serve(request: Request) -> JSONResponse:
        body = await request.json()
        await asyncio.to_thread(handle, request.headers, body)
        return JSONResponse({})

    return serve


async def tell_seen(request: Request) -> JSONResponse:
    """Answer what has happened, but for the first so many."""
    return JSONResponse(seen[int(request.query_params["skip"]) :])


app = Starlette(
    routes=[
        Route("/orders", endpoint(take), methods=["POST"]),
        Route("/webhook", endpoint(webhook), methods=["POST"]),
        Route("/seen", tell_seen),
    ]
)

if __name__ == "__main__":
    DBOS.launch()
    # As the simulators: a connection that the load keeps must not be cut off between two orders.
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error", timeout_keep_alive=120)
