"""The door of send_notification: Pub/Sub, every fact that somebody is told about."""

from datetime import timedelta
from functools import cache

from functions.send_notification.rendering import Brand, Renderer
from functions.send_notification.use_case import SendNotification
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.domain.events import Event
from shared.domain.notifications import TABLE
from shared.settings import BackendSettings, BrandSettings, GoogleSettings

wiring = Wiring(GoogleSettings, BrandSettings)


@cache
def _step() -> SendNotification:
    brand = wiring.settings[BrandSettings]
    return SendNotification(
        orders=wiring.orders,
        deliveries=wiring.deliveries,
        mailer=wiring.mailer,
        events=wiring.events,
        renderer=Renderer(Brand(name=brand.name, help_email=brand.help_email)),
        admin=brand.admin,
        clock=wiring.clock,
        claim=timedelta(seconds=wiring.settings[BackendSettings].claim_seconds),
    )


@entrypoint.pubsub(wiring, *TABLE)
def send_notification(event: Event) -> None:
    """Tell those whom the fact concerns."""
    _step()(event)
