"""The door of send_digest: HTTP, called by Cloud Scheduler once a day."""

from datetime import timedelta
from functools import cache

from flask import Request, Response

from functions.send_digest.use_case import SendDigest
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.mail_once import MailOnce
from shared.presentation.rendering import Renderer
from shared.settings import BackendSettings, BrandSettings, ChannelSettings

wiring = Wiring(ChannelSettings, BrandSettings)


@cache
def _step() -> SendDigest:
    brand = wiring.settings[BrandSettings]
    step = SendDigest(
        orders=wiring.orders,
        deliveries=wiring.deliveries,
        once=MailOnce(
            wiring.deliveries,
            wiring.mailer,
            wiring.clock,
            timedelta(seconds=wiring.settings[BackendSettings].claim_seconds),
        ),
        renderer=Renderer(brand.brand),
        admin=brand.admin,
    )
    wiring.load_ahead(step.deliveries, step.orders, wiring.mailer)
    return step


@entrypoint.http
def send_digest(request: Request) -> Response:
    """Run one tick."""
    return entrypoint.tick(wiring, request, _step())
