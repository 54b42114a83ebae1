"""Checks of what we run ourselves: the functions' doors, the database, the way through Pub/Sub."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from deploy.doctor.trouble import TroubleError, diagnosed
from deploy.functions import SERVICES
from shared.domain.events import OrderCreated
from shared.errors import PipelineError
from shared.ports import OrderStore, RawPublisher, RejectedStore

_AGAIN = "Run ./deploy.sh again."
_TIMEOUT_S = 30.0
_PUSHED_WITHIN = 60
_DATABASE = {
    "index": "An index is missing or still being built: run ./deploy.sh again, then wait for"
    " `gcloud firestore indexes composite list` to say READY.",
    "does not exist": f"There is no database: {_AGAIN}",
    "getAccessToken": "You may not act as the account reconcile-orders: docs/deploying.md, step 6.",
    "permission": f"The account may not use the database: {_AGAIN}",
}
_PUBLISH = {
    "getAccessToken": "You may not act as the account order-publisher: docs/deploying.md, step 6.",
    "not found": f"The topic is missing: {_AGAIN}",
    "denied": f"The account may not publish: {_AGAIN}",
}


def check_doors(urls: Mapping[str, str]) -> None:
    """Call every function as a stranger: only the public ones may answer."""
    for name, url in urls.items():
        # No function takes it, so that 403 can only be Cloud Run's.
        status = _status("DELETE", url)
        refused = status in {401, 403}
        if SERVICES[name].public and refused:
            raise TroubleError(
                f"{name} refuses strangers ({status}), so those for whom it is cannot call it",
                f"{_AGAIN} If it fails there, the organisation's policy"
                " iam.allowedPolicyMemberDomains forbids public services: an admin has to make"
                " an exception for this project.",
            )
        if not SERVICES[name].public and not refused:
            raise TroubleError(f"{name} answers strangers ({status})", _AGAIN)


def check_links(base_url: str) -> None:
    """Follow a link that is none: manage_booking says so in its own words."""
    status = _status("GET", f"{base_url.rstrip('/')}/manage?token=doctor")
    if status != httpx.codes.BAD_REQUEST:
        raise TroubleError(
            f"{base_url} answers {status} to a link that is none",
            "LINKS_BASE_URL has to lead to manage_booking: leave it empty for the service's own"
            f" address, or see to the domain's mapping. {_AGAIN}",
        )


def check_webhook(url: str, token: str) -> None:
    """Send the canned event of Xendit's "test and save": with the token, and with another."""
    body = {"id": "doctor", "external_id": "invoice_123124123", "status": "PAID"}
    sent = json.dumps(body).encode()
    right = _status("POST", url, sent, {"x-callback-token": token})
    wrong = _status("POST", url, sent, {"x-callback-token": f"{token}-not"})
    if right != httpx.codes.OK:
        raise TroubleError(
            f"payment_callback answers {right} to the token of the settings",
            "Copy the verification token from Xendit's dashboard (Settings, Webhooks) to"
            " XENDIT_CALLBACK_TOKEN and run ./deploy.sh again; the function's log says more.",
        )
    if wrong != httpx.codes.UNAUTHORIZED:
        raise TroubleError(f"payment_callback answers {wrong} to a wrong token", _AGAIN)


def check_queries(orders: OrderStore, rejected: RejectedStore, now: datetime) -> None:
    """Run every query that the functions make, each for one document."""
    try:
        orders.due_for_reminder(now, 1)
        orders.due_for_check(now, 1)
        orders.changed_since(now, 1)
        orders.waiting_for_admin(1)
        next(iter(orders.scan()), None)
        rejected.list(1)
    except PipelineError as error:
        raise diagnosed(error, _DATABASE, _AGAIN) from error


def check_way_through(
    publisher: RawPublisher,
    rejected: RejectedStore,
    mark: str,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Publish an order that cannot be one, and wait until create_invoice has put it aside.

    That takes a push with its token, the function, and the database. ``mark`` tells it apart.
    """
    message = json.dumps({"doctor": mark}).encode()
    try:
        publisher.publish_raw(OrderCreated.topic, message, {})
    except PipelineError as error:
        raise diagnosed(error, _PUBLISH, _AGAIN) from error
    for _ in range(_PUSHED_WITHIN):
        if any(mark in kept.body for kept in rejected.list(20)):
            return
        sleep(1)
    raise TroubleError(
        f"a message on {OrderCreated.topic} did not come through in {_PUSHED_WITHIN} s",
        "See what the function says: `gcloud run services logs read create-invoice"
        " --region=asia-southeast2`. 403 there means that the push may not call it, no line at all"
        f" that nothing is pushed. {_AGAIN}",
    )


def ask(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Return the answer to a request. Raises TroubleError if there is none."""
    try:
        return httpx.request(method, url, content=body, headers=headers, timeout=_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise TroubleError(
            f"{url.partition('?')[0]} does not answer: {error}",
            f"{_AGAIN} Is this machine online?",
        ) from error


def _status(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> int:
    return ask(method, url, body, headers).status_code
