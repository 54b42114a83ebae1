"""The door of track_delivery: HTTP, public, called by Meta about WhatsApp messages."""

from functools import cache

from flask import Request, Response

from functions.track_delivery.use_case import TrackDelivery
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.errors import InvalidMessageError
from shared.settings import WhatsAppWebhookSettings
from shared.whatsapp_webhook import SIGNATURE, challenge, is_signed, read_webhook

# Meta's own are at most 3 MB.
MAX_BODY_BYTES = 4 * 1024 * 1024

wiring = Wiring(WhatsAppWebhookSettings)


@cache
def _step() -> TrackDelivery:
    return TrackDelivery(deliveries=wiring.deliveries, events=wiring.events)


@entrypoint.http
def track_delivery(request: Request) -> Response:
    """Check who calls, decode, handle."""
    settings = wiring.settings[WhatsAppWebhookSettings]
    if request.method == "GET":  # the address is being registered
        answer = challenge(request.args, settings.verify_token)
        if answer is None:
            return entrypoint.refused(403, "hub.verify_token is missing or wrong")
        return Response(answer, mimetype="text/plain")
    if request.method != "POST":
        return entrypoint.refused(405, "webhooks come by POST")
    body = entrypoint.body_of(request, MAX_BODY_BYTES)
    if not is_signed(body, request.headers.get(SIGNATURE), settings.app_secret):
        return entrypoint.refused(401, f"{SIGNATURE} is missing or wrong")
    try:
        webhook = read_webhook(body)
    except InvalidMessageError as error:
        return entrypoint.kept(wiring, body, "track_delivery", str(error))
    failed = _step()(webhook.statuses)
    if webhook.unread is not None:
        return entrypoint.kept(wiring, body, "track_delivery", webhook.unread)
    return entrypoint.json_answer({"outcome": "handled", "undelivered": failed})
