"""The command ``dead-letters`` of ``python -m local``: see what was given up, and send it again."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from rich.console import Console

from local.attach import wiring
from shared import messages
from shared.bootstrap import Wiring
from shared.errors import InvalidMessageError, PipelineError
from shared.ports import RejectedMessage

_MOST = 1000
_ABOUT = """\
Messages that were refused too often, or could not be understood, are kept with the reason.
A replay publishes one on its topic as it came. Every step can be done twice, so a replay may be
repeated, and it harms nothing that has been healed meanwhile. What came from no topic, or was too
long to be kept whole, cannot be replayed.

With --backend gcp this works on production: GOOGLE_CLOUD_PROJECT names the project, and your own
Google credentials (`gcloud auth application-default login`) need roles/datastore.user and
roles/pubsub.publisher there.
"""

console = Console()


def add_dead_letters(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``dead-letters``."""
    parser = commands.add_parser(
        "dead-letters",
        help="see what was given up, and send it again",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the latest, newest first")
    listing.set_defaults(run=_list)
    showing = actions.add_parser("show", help="one of them, as JSON")
    showing.add_argument("id", metavar="ID")
    showing.set_defaults(run=_show)
    replaying = actions.add_parser("replay", help="publish on its topic again")
    which = replaying.add_mutually_exclusive_group(required=True)
    which.add_argument("id", metavar="ID", nargs="?")
    which.add_argument("--all", action="store_true", help="those that never were replayed")
    replaying.set_defaults(run=_replay)
    for action in (listing, showing, replaying):
        action.add_argument("--folder", type=Path, default=Path(".local/up"), help="the world")
        action.add_argument("--backend", choices=["gcp"], help="production, instead of a world")


def replay(kept: RejectedMessage, wired: Wiring) -> None:
    """Publish a kept message again and note when. Raises InvalidMessageError if that cannot be."""
    body = messages.body_to_replay(kept)
    wired.raw_events.publish_raw(kept.topic, body, kept.attributes)
    wired.rejected.keep(msgspec.structs.replace(kept, replayed_at=wired.clock.now()))


def _list(options: argparse.Namespace) -> int:
    for kept in _wired(options).rejected.list(_MOST):
        again = f", replayed {kept.replayed_at:%Y-%m-%d %H:%M:%S}" if kept.replayed_at else ""
        line = f"{kept.received_at:%Y-%m-%d %H:%M:%S}  {kept.id}  {kept.topic or 'no topic'}"
        _say(f"{line}  {kept.reason}{again}")
    return 0


def _show(options: argparse.Namespace) -> int:
    kept = _kept(_wired(options), options.id)
    console.print_json(msgspec.json.encode(kept).decode())
    return 0


def _replay(options: argparse.Namespace) -> int:
    wired = _wired(options)
    return _replay_each(_unreplayed(wired) if options.all else [_kept(wired, options.id)], wired)


def _replay_each(chosen: Iterable[RejectedMessage], wired: Wiring) -> int:
    status = 0
    for kept in chosen:
        try:
            replay(kept, wired)
        except InvalidMessageError as error:
            status = 1
            _say(f"not replayed: {error}")
        else:
            _say(f"{kept.id} is on {kept.topic} again")
    return status


def _unreplayed(wired: Wiring) -> list[RejectedMessage]:
    kept = wired.rejected.list(_MOST)
    return [message for message in kept if message.topic and message.replayed_at is None]


def _kept(wired: Wiring, message_id: str) -> RejectedMessage:
    kept = wired.rejected.get(message_id)
    if kept is None:
        raise PipelineError(f"there is no message {message_id}; see `dead-letters list`")
    return kept


def _wired(options: argparse.Namespace) -> Wiring:
    if options.backend is not None:
        return Wiring(variables=os.environ | {"BACKEND": options.backend})
    return wiring(options.folder)


def _say(line: str) -> None:
    # Not wrapped, so that ids can be copied and lines be searched.
    console.print(line, highlight=False, markup=False, soft_wrap=True)
