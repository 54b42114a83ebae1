"""The WhatsApp simulator: Meta's Cloud API, the phones, and an admin surface."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import httpx
import msgspec
from starlette.applications import Starlette

from local.connections import BRIEF
from local.simulators.faults import Faults
from local.simulators.records import Records
from local.simulators.whatsapp.admin import Admin, bad_admin_request
from local.simulators.whatsapp.api import DEFAULT_NUMBERS, MessageApi, Numbers
from local.simulators.whatsapp.catalogue import Catalogue
from local.simulators.whatsapp.courier import Courier
from local.simulators.whatsapp.messages import Clock, Messages
from local.simulators.whatsapp.phones import Phones
from local.simulators.whatsapp.progress import Progress

TICK_S: Final = 0.05
logger = logging.getLogger(__name__)


def create_app(
    *,
    records: Records,
    clock: Clock,
    catalogue: Catalogue,
    access_token: str,
    phone_number_id: str,
    app_secret: str,
    callback_url: str,
    public_url: str,
    sender: str = "Sessions",
    numbers: Numbers = DEFAULT_NUMBERS,
    status_delay_s: float = 1.0,
    time_scale: float = 1.0,
    webhook_timeout_s: float = 10.0,
    seed: int | None = None,
) -> Starlette:
    """Build the simulator; it sends webhooks while its lifespan lasts.

    ``public_url`` is where a browser reaches it, ``sender`` the name that phones show.
    ``status_delay_s`` is how long each stage of a message takes, in world seconds; ``time_scale``
    divides the waits between the tries of a webhook. ``seed`` fixes which faults fire.
    """
    faults = Faults(seed)
    messages = Messages(records, clock)
    progress = Progress(
        records,
        messages,
        clock,
        phone_number_id=phone_number_id,
        chance=random.Random(seed),
        step=timedelta(seconds=status_delay_s),
        time_scale=time_scale,
    )
    api = MessageApi(
        messages=messages,
        catalogue=catalogue,
        progress=progress,
        faults=faults,
        numbers=numbers,
        access_token=access_token,
        phone_number_id=phone_number_id,
    )
    admin = Admin(
        records=records,
        messages=messages,
        progress=progress,
        api=api,
        faults=faults,
        public_url=public_url,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # The environment's proxies must not come between two processes of one machine.
        async with httpx.AsyncClient(
            timeout=webhook_timeout_s, limits=BRIEF, trust_env=False
        ) as client:
            courier = Courier(progress, client, callback_url, app_secret)
            ticking = asyncio.create_task(_keep_ticking(courier))
            try:
                yield
            finally:
                ticking.cancel()
                await courier.stop()

    return Starlette(
        routes=[*admin.routes(), *Phones(messages, sender).routes(), *api.routes()],
        exception_handlers={
            msgspec.ValidationError: bad_admin_request,
            msgspec.DecodeError: bad_admin_request,
        },
        lifespan=lifespan,
    )


async def _keep_ticking(courier: Courier) -> None:
    while True:
        try:
            courier.send_due()
        except Exception:
            # A simulator that falls silent is harder to understand than one that complains.
            logger.exception("the simulator of WhatsApp could not send what is due")
        await asyncio.sleep(TICK_S)
