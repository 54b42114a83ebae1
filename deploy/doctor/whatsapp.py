"""Checks of WhatsApp: the webhook takes what Meta signs, and Meta takes the token."""

import hashlib
import hmac
import secrets

import httpx

from deploy.doctor.pipeline import ask
from deploy.doctor.trouble import TroubleError
from shared.settings import WhatsAppSettings, WhatsAppWebhookSettings
from shared.whatsapp_webhook import SIGNATURE

_AGAIN = "Run ./deploy.sh again."
_NOTHING = b'{"object":"whatsapp_business_account","entry":[]}'


def check_webhook(url: str, settings: WhatsAppWebhookSettings) -> None:
    """Register the address as Meta does, then send a webhook about nothing, signed well and ill."""
    challenge = secrets.token_hex(8)
    query = httpx.QueryParams(
        {
            "hub.mode": "subscribe",
            "hub.verify_token": settings.verify_token,
            "hub.challenge": challenge,
        }
    )
    if ask("GET", f"{url}?{query}").text != challenge:
        raise TroubleError("track_delivery does not take WHATSAPP_VERIFY_TOKEN", _AGAIN)
    right = ask("POST", url, _NOTHING, _signed(settings.app_secret)).status_code
    wrong = ask("POST", url, _NOTHING, _signed(f"{settings.app_secret}-not")).status_code
    if right != httpx.codes.OK:
        raise TroubleError(f"track_delivery answers {right} to WHATSAPP_APP_SECRET", _AGAIN)
    if wrong != httpx.codes.UNAUTHORIZED:
        raise TroubleError(f"track_delivery answers {wrong} to a wrong signature", _AGAIN)


def check_token(settings: WhatsAppSettings) -> None:
    """Ask Meta for the number that messages come from.

    https://developers.facebook.com/docs/whatsapp/business-management-api/manage-phone-numbers
    """
    number = f"{settings.base_url}/{settings.api_version}/{settings.phone_number_id}"
    answer = ask("GET", number, headers={"Authorization": f"Bearer {settings.access_token}"})
    if answer.status_code != httpx.codes.OK:
        raise TroubleError(
            f"WhatsApp answers {answer.status_code} when asked for WHATSAPP_PHONE_NUMBER_ID",
            "WHATSAPP_ACCESS_TOKEN has to be a system user's, which does not run out, with the"
            " right whatsapp_business_messaging, and the number one of its account"
            " (docs/deploying.md, WhatsApp).",
        )


def _signed(app_secret: str) -> dict[str, str]:
    digest = hmac.new(app_secret.encode(), _NOTHING, hashlib.sha256).hexdigest()
    return {SIGNATURE: f"sha256={digest}"}
