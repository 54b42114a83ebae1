"""What a developer can ask of a local world."""

import argparse
import json
import re
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import msgspec
from rich.console import Console

from local import config as configuration
from local.attach import running_world, wiring
from local.chaos.commands import add_burst, add_chaos
from local.config import WorldConfig
from local.dead_letters import add_dead_letters
from local.demo import run as demo
from local.demo.plan import Story
from local.postman import Disturbance
from local.world import World, running
from shared.domain.events import OrderCreated
from shared.domain.order import Order
from shared.errors import PipelineError
from shared.presentation.whatsapp import approved_templates

_HEAL_EVERY_S = 0.5
_ADVANCE_TIMEOUT_S = 600.0
_LAST_PORT = 65535
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

console = Console()


def main(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except PipelineError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in _COMMANDS:
        add(commands)
    return parser


def _add_up(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("up", help="start a world and keep it until Ctrl-C")
    _world_options(parser, Path(".local/up"))
    parser.add_argument("--urls", type=Path, metavar="FILE", help="write where everything is")
    parser.set_defaults(run=_up)


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("demo", help="run sample orders through a world")
    _world_options(parser, Path(".local/demo"))
    parser.add_argument("--orders", type=int, default=len(Story), metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    parser.add_argument("--fresh", action="store_true", help="do not go on with an earlier run")
    parser.set_defaults(run=_demo)


def _add_publish(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("publish", help="publish an order, as the web app would")
    parser.add_argument("file", type=Path, metavar="ORDER.json")
    _folder_option(parser)
    parser.set_defaults(run=_publish)


def _add_order(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("order", help="show one order")
    parser.add_argument("id")
    parser.add_argument("--json", action="store_true", help="all of it, as JSON")
    _folder_option(parser)
    parser.set_defaults(run=_order)


def _add_advance(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("advance", help="move the world's time forward")
    parser.add_argument("by", type=_duration, metavar="24h", help="like 90s, 10m, 24h, 2d")
    _folder_option(parser)
    parser.set_defaults(run=_advance)


def _add_whatsapp_templates(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    parser = commands.add_parser(
        "whatsapp-templates", help="print every WhatsApp template, as Meta's API takes it"
    )
    parser.set_defaults(run=_whatsapp_templates)


def _world_options(parser: argparse.ArgumentParser, folder: Path) -> None:
    parser.add_argument("--backend", choices=["embedded", "emulator"], default="embedded")
    parser.add_argument("--folder", type=Path, default=folder, help="where the world is kept")
    parser.add_argument(
        "--port",
        type=_named_port,
        action="append",
        default=[],
        metavar="NAME=PORT",
        help=f"a fixed port for one of: {', '.join(configuration.SERVERS)}",
    )
    parser.add_argument("--time-scale", type=float, default=1.0, help="how much faster Xendit is")
    parser.add_argument("--duplicate", type=float, default=0.0, help="chance of a second delivery")
    parser.add_argument(
        "--delay", type=float, default=0.0, help="hold deliveries for up to so long"
    )
    parser.add_argument(
        "--mentor-confirmation",
        choices=["off", "required"],
        default="off",
        help="whether a mentor has to accept a paid order first",
    )


def _folder_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=Path(".local/up"), help="the world to use")


def _options(options: argparse.Namespace) -> dict[str, Any]:
    disturbed = options.duplicate > 0 or options.delay > 0
    disturbance = Disturbance(duplicate=options.duplicate, delay_s=options.delay)
    return {
        "time_scale": options.time_scale,
        "disturbance": disturbance if disturbed else None,
        "mentor_confirmation": options.mentor_confirmation,
    }


def _prepare(options: argparse.Namespace) -> WorldConfig:
    return configuration.prepare(
        options.folder, options.backend, dict(options.port), **_options(options)
    )


def _up(options: argparse.Namespace) -> int:
    stopping = _stop_on_signals()
    with running(_prepare(options), console.log) as world:
        config = world.config
        if options.urls is not None:
            configuration.write_urls(config, options.urls)
        console.print(f"place an order   {config.url('shop')}")
        console.print(f"checkout         {config.url('xendit')}")
        console.print(f"mailbox          {config.url('google')}/mailbox")
        console.print(f"phones           {config.url('whatsapp')}")
        console.print(f"calendar         {config.url('google')}/calendar")
        _serve(world, stopping)
    return 0


def _serve(world: World, stopping: threading.Event) -> None:
    console.print("Ctrl-C stops everything.")
    while not stopping.wait(_HEAL_EVERY_S):
        for name in world.heal():
            console.log(f"{name} had died and was started again")


def _demo(options: argparse.Namespace) -> int:
    stopping = _stop_on_signals()
    request = demo.Request(
        folder=options.folder,
        backend=options.backend,
        orders=options.orders,
        fresh=options.fresh,
        results=options.json,
        seed=secrets.randbits(32),
        options=_options(options),
        ports=dict(options.port),
    )
    return demo.run(request, console, lambda world: _serve(world, stopping))


def _publish(options: argparse.Namespace) -> int:
    publisher = wiring(options.folder).raw_events
    try:
        data = options.file.read_bytes()
    except OSError as error:
        raise PipelineError(f"{options.file} cannot be read: {error.strerror}") from error
    publisher.publish_raw(OrderCreated.topic, data, {})
    console.print("published on order.created")
    return 0


def _order(options: argparse.Namespace) -> int:
    order = wiring(options.folder).orders.get(options.id)
    if order is None:
        raise PipelineError(f"there is no order {options.id}; see the rejected messages")
    if options.json:
        console.print_json(msgspec.json.encode(order).decode())
    else:
        _print_order(order)
    return 0


def _print_order(order: Order) -> None:
    console.print(f"{order.id}: {order.status} · {order.subject}", markup=False)
    for change in order.history:
        console.print(f"  {change.at:%Y-%m-%d %H:%M:%S} {change.status} {change.reason or ''}")


def _advance(options: argparse.Namespace) -> int:
    config = running_world(options.folder)
    with console.status(f"moving time forward by {options.by}"):
        try:
            answer = httpx.post(
                f"{config.url('scheduler')}/advance",
                json={"seconds": options.by.total_seconds()},
                timeout=_ADVANCE_TIMEOUT_S,
                trust_env=False,
            )
        except httpx.ConnectError as error:
            raise PipelineError(f"the world in {options.folder} is not running") from error
    console.print(f"it is now {answer.raise_for_status().json()['now']}")
    return 0


def _whatsapp_templates(_options: argparse.Namespace) -> int:
    """Print what POST /{business account}/message_templates is sent, for each template."""
    json.dump([_for_meta(**t) for t in approved_templates()], sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


def _for_meta(
    *, name: str, language: str, category: str, body: str, example: list[str]
) -> dict[str, Any]:
    shown = {"example": {"body_text": [example]}} if example else {}
    component = {"type": "BODY", "text": body, **shown}
    return {"name": name, "language": language, "category": category, "components": [component]}


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return stopping


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 90s, 10m, 24h or 2d")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def _named_port(text: str) -> tuple[str, int]:
    name, _, port = text.partition("=")
    known = name in configuration.SERVERS
    if not known or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PORT of a known server")
    return name, int(port)


_COMMANDS = (
    _add_up,
    _add_demo,
    add_chaos,
    add_burst,
    _add_publish,
    _add_order,
    _add_advance,
    add_dead_letters,
    _add_whatsapp_templates,
)
