"""The door of send_notification: Pub/Sub, every fact that somebody is told about."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache

from functions.send_notification.composer import Composer
from functions.send_notification.senders import ChatSender, MailSender, Pause
from functions.send_notification.use_case import Sender, SendNotification
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.domain.events import Event, MessageUndelivered
from shared.domain.notifications import TABLE, Channel
from shared.mail_once import MailOnce
from shared.presentation.rendering import Renderer
from shared.settings import BackendSettings, BrandSettings, ChannelSettings, LinkSettings

wiring = Wiring(ChannelSettings, BrandSettings, LinkSettings)


@cache
def _step() -> SendNotification:
    brand = wiring.settings[BrandSettings]
    composer = Composer(
        renderer=Renderer(brand.brand),
        signer=wiring.links,
        admin=brand.admin,
    )
    step = SendNotification(
        orders=wiring.orders,
        deliveries=wiring.deliveries,
        events=wiring.events,
        composer=composer,
        senders=_senders(composer),
        clock=wiring.clock,
    )
    wiring.load_ahead(step.orders, step.deliveries, wiring.mailer)
    return step


def _senders(composer: Composer) -> Mapping[Channel, Sender]:
    claim = timedelta(seconds=wiring.settings[BackendSettings].claim_seconds)
    stores, clock = wiring.deliveries, wiring.clock
    once = MailOnce(stores, wiring.mailer, clock, claim)
    mail = MailSender(once, composer, clock, Pause())
    if wiring.messenger is None:
        return {Channel.EMAIL: mail}
    chat = ChatSender(stores, wiring.messenger, composer, clock, claim, Pause())
    return {Channel.EMAIL: mail, Channel.WHATSAPP: chat}


@entrypoint.pubsub(wiring, *TABLE, MessageUndelivered)
def send_notification(event: Event) -> None:
    """Tell those whom the fact concerns."""
    _step()(event)
