"""The commands ``chaos`` and ``burst`` of ``python -m local``."""

import argparse
import secrets
from pathlib import Path

from rich.console import Console

from local.chaos import burst
from local.chaos import run as chaos


def add_chaos(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``chaos``."""
    parser = commands.add_parser(
        "chaos", help="many orders, while processes are killed and vendors fail"
    )
    _options(parser, Path(".local/chaos"), orders=200, time_scale=20.0)
    parser.set_defaults(run=_chaos)


def add_burst(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``burst``."""
    parser = commands.add_parser(
        "burst", help="many orders at one instant, against the payment provider's rate limit"
    )
    _options(parser, Path(".local/burst"), orders=2000, time_scale=4.0)
    parser.add_argument(
        "--rate-limit", type=int, default=600, metavar="N", help="requests a minute, before scaling"
    )
    parser.set_defaults(run=_burst)


def _options(
    parser: argparse.ArgumentParser, folder: Path, *, orders: int, time_scale: float
) -> None:
    parser.add_argument("--backend", choices=["embedded", "emulator"], default="embedded")
    parser.add_argument("--folder", type=Path, default=folder, help="where the world is kept")
    parser.add_argument("--orders", type=int, default=orders, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    parser.add_argument("--seed", type=int, default=None, help="of the orders and of the kills")
    parser.add_argument(
        "--time-scale", type=float, default=time_scale, help="how much faster Xendit is"
    )


def _chaos(options: argparse.Namespace) -> int:
    request = chaos.Request(
        folder=options.folder,
        backend=options.backend,
        orders=options.orders,
        results=options.json,
        seed=secrets.randbits(32) if options.seed is None else options.seed,
        time_scale=options.time_scale,
    )
    return chaos.run(request, Console())


def _burst(options: argparse.Namespace) -> int:
    request = burst.Request(
        folder=options.folder,
        backend=options.backend,
        orders=options.orders,
        results=options.json,
        seed=secrets.randbits(32) if options.seed is None else options.seed,
        time_scale=options.time_scale,
        rate_limit_per_minute=options.rate_limit,
    )
    return burst.run(request, Console())
