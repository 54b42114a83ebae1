"""The helper processes of a local world: ``python -m local.process NAME FOLDER``."""

import asyncio
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import uvicorn
from starlette.types import ASGIApp

from local import dispatcher, scheduler
from local.config import HOST, WHATSAPP_NUMBER_ID, XENDIT_KEY, WorldConfig, load
from local.postman import Disturbance, Postman
from local.quiet import Quiet
from local.shop.app import create_app as create_shop
from local.simulators.google.app import create_app as create_google
from local.simulators.records import Records
from local.simulators.whatsapp.app import create_app as create_whatsapp
from local.simulators.whatsapp.catalogue import Catalogue, Template
from local.simulators.xendit.app import create_app as create_xendit
from local.topology import FUNCTIONS
from shared.adapters.sqlite_queue import SqliteQueue
from shared.bootstrap import Wiring
from shared.domain.events import OrderCreated
from shared.presentation.whatsapp import approved_templates


def dispatch(config: WorldConfig) -> None:
    """Push the embedded queue's messages to the functions."""
    subscriptions = {s: t for f in FUNCTIONS for s, t in f.subscriptions().items()}
    endpoints = {s: config.push_url(f.name) for f in FUNCTIONS for s in f.subscriptions()}
    queue = dispatcher.open_queue(config.data_dir, subscriptions)
    policy = dispatcher.RetryPolicy(max_attempts=config.max_attempts)
    asyncio.run(dispatcher.Dispatcher(queue, endpoints, config.clock, policy).run())


def vendors(config: WorldConfig) -> None:
    """Serve the simulators of Xendit, Google and WhatsApp."""
    xendit = create_xendit(
        records=Records(config.path / "xendit.db"),
        clock=config.clock,
        secret_key=XENDIT_KEY,
        callback_token=config.callback_token,
        callback_url=config.url("payment_callback"),
        public_url=config.url("xendit"),
        time_scale=config.time_scale,
        rate_limit_per_minute=config.rate_limit_per_minute,
    )
    google = create_google(
        records=Records(config.path / "google.db"),
        clock=config.clock,
        public_url=config.url("google"),
        room_delay_s=config.room_delay_s,
    )
    whatsapp = create_whatsapp(
        records=Records(config.path / "whatsapp.db"),
        clock=config.clock,
        catalogue=Catalogue(msgspec.convert(approved_templates(), list[Template])),
        access_token=config.secrets.whatsapp_token,
        phone_number_id=WHATSAPP_NUMBER_ID,
        app_secret=config.secrets.whatsapp_app,
        callback_url=config.url("track_delivery"),
        public_url=config.url("whatsapp"),
        sender="Nusademy",
        time_scale=config.time_scale,
    )
    serve(
        {
            config.ports["xendit"]: xendit,
            config.ports["google"]: google,
            config.ports["whatsapp"]: whatsapp,
        }
    )


def postman(config: WorldConfig) -> None:
    """Stand between whoever pushes and the functions, and mishandle what is pushed."""
    functions = {f.name: config.url(f.name) for f in FUNCTIONS}
    serve({config.ports["postman"]: Postman(functions, config.disturbance or Disturbance()).app()})


def world(config: WorldConfig) -> None:
    """Serve the scheduler and the shop."""
    asyncio.run(_world(config))


async def _world(config: WorldConfig) -> None:
    wiring = Wiring(variables=config.function_settings())
    queue = SqliteQueue(config.data_dir / "queue.db") if config.backend == "embedded" else None
    quiet = Quiet(
        config.url("xendit"),
        config.url("google"),
        config.url("whatsapp"),
        postman=None if config.disturbance is None else config.url("postman"),
        queue_busy=None if queue is None else lambda: queue.busy(config.clock.now()),
    )
    jobs = [scheduler.Job(f.name, f.schedule, config.url(f.name)) for f in FUNCTIONS if f.schedule]
    timekeeper = scheduler.Scheduler(jobs, config.clock, quiet)
    shop = create_shop(
        orders=wiring.orders,
        rejected=wiring.rejected,
        publish=lambda body: wiring.raw_events.publish_raw(OrderCreated.topic, body, {}),
        clock=config.clock,
        links={
            "mailbox": f"{config.url('google')}/mailbox",
            "xendit": config.url("xendit"),
            "phones": config.url("whatsapp"),
            "calendar": f"{config.url('google')}/calendar",
            "scheduler": config.url("scheduler"),
        },
    )
    apps = {
        config.ports["scheduler"]: scheduler.create_app(timekeeper, config.clock),
        config.ports["shop"]: shop,
    }
    await _serve(apps)


def serve(apps: Mapping[int, ASGIApp]) -> None:
    """Serve several applications, each on its port, in one process."""
    asyncio.run(_serve(apps))


async def _serve(apps: Mapping[int, ASGIApp]) -> None:
    servers = [uvicorn.Server(_server_config(app, port)) for port, app in apps.items()]
    await asyncio.gather(*(server.serve() for server in servers))


def _server_config(app: ASGIApp, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=HOST,
        port=port,
        log_level="warning",
        # An order page that follows live must not hold up the end.
        timeout_graceful_shutdown=1,
        # Google and Xendit keep connections for minutes, not for uvicorn's five seconds.
        timeout_keep_alive=120,
    )


PROCESSES = {"dispatcher": dispatch, "vendors": vendors, "world": world, "postman": postman}


def main(name: str, folder: Path) -> None:
    """Run one helper process until it is stopped."""
    logging.basicConfig(level=logging.WARNING)
    config = load(folder)
    if config is None:
        raise SystemExit(f"there is no world in {folder}")
    PROCESSES[name](config)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
