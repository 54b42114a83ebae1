"""``python -m local dead-letters`` on a world that need not run."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from local import config as configuration
from local.cli import main
from shared import messages
from shared.adapters.sqlite_queue import SqliteQueue
from shared.bootstrap import Wiring
from shared.ports import RejectedMessage
from tests.builders import NOW

Run = Callable[..., tuple[int, str]]
BODY = '{"order_id":"NUS-1","size":"größer"}'.encode()
ATTRIBUTES = {"ce-type": "mentoring.invoice.paid.v1"}


@pytest.fixture
def wired(tmp_path: Path) -> Wiring:
    config = configuration.prepare(tmp_path, "embedded", {})
    config.write()
    queue = SqliteQueue(config.data_dir / "queue.db")
    queue.subscribe("create_meeting--invoice.paid", "invoice.paid")
    queue.close()
    return Wiring(variables=config.function_settings())


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(*arguments: str) -> tuple[int, str]:
        status = main(["dead-letters", *arguments, "--folder", str(tmp_path)])
        return status, capsys.readouterr().out

    return run_command


def kept(message_id: str, body: bytes = BODY, topic: str = "invoice.paid") -> RejectedMessage:
    return messages.rejected(
        message_id,
        body,
        source="create_meeting--invoice.paid",
        reason="given up after 100 deliveries",
        attributes=ATTRIBUTES,
        at=NOW,
        topic=topic,
    )


def queued(tmp_path: Path) -> list[tuple[bytes, dict[str, str]]]:
    queue = SqliteQueue(tmp_path / "data" / "queue.db")
    found = queue.lease(NOW.replace(year=9000), NOW - NOW, {"create_meeting--invoice.paid": 9})
    queue.close()
    return [(message.data, message.attributes) for message in found]


def test_there_are_none_at_first(wired: Wiring, run: Run) -> None:
    assert run("list") == (0, "")
    assert run("replay", "--all") == (0, "")


def test_the_list_tells_what_was_kept_and_why(wired: Wiring, run: Run) -> None:
    wired.rejected.keep(kept("dead-1"))
    wired.rejected.keep(kept("odd-1", topic=""))
    status, told = run("list")
    at = f"{NOW:%Y-%m-%d %H:%M:%S}"
    assert status == 0
    assert sorted(told.splitlines()) == [
        f"{at}  dead-1  invoice.paid  given up after 100 deliveries",
        f"{at}  odd-1  no topic  given up after 100 deliveries",
    ]


def test_one_is_shown_whole(wired: Wiring, run: Run) -> None:
    wired.rejected.keep(kept("dead-1"))
    status, told = run("show", "dead-1")
    assert status == 0
    assert msgspec.convert(json.loads(told), RejectedMessage) == kept("dead-1")


def test_a_replay_is_the_message_as_it_came(wired: Wiring, run: Run, tmp_path: Path) -> None:
    wired.rejected.keep(kept("dead-1"))
    assert run("replay", "dead-1") == (0, "dead-1 is on invoice.paid again\n")
    assert queued(tmp_path) == [(BODY, ATTRIBUTES)]
    again = wired.rejected.get("dead-1")
    assert again is not None
    assert again.replayed_at is not None
    assert msgspec.structs.replace(again, replayed_at=None) == kept("dead-1")


def test_all_are_those_from_a_topic_that_were_not_replayed_before(
    wired: Wiring, run: Run, tmp_path: Path
) -> None:
    for message in (kept("dead-1"), kept("dead-2"), kept("odd-1", topic="")):
        wired.rejected.keep(message)
    run("replay", "dead-1")
    assert run("replay", "--all") == (0, "dead-2 is on invoice.paid again\n")
    assert len(queued(tmp_path)) == 2


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (kept("odd", topic=""), "odd did not come from a topic"),
        (kept("odd", body=b"\xff"), "odd: only the text of its first 65536 characters was kept"),
        (kept("odd", body=b"x" * 65537), "odd: only the text of its first 65536 characters was"),
    ],
)
def test_what_was_not_kept_as_it_came_is_not_replayed(
    message: RejectedMessage, reason: str, wired: Wiring, run: Run, tmp_path: Path
) -> None:
    wired.rejected.keep(message)
    status, told = run("replay", "odd")
    assert status == 1
    assert told.startswith(f"not replayed: {reason}")
    assert queued(tmp_path) == []


def test_one_that_cannot_be_replayed_does_not_hold_up_the_others(wired: Wiring, run: Run) -> None:
    wired.rejected.keep(kept("dead-1", body=b"\xff"))
    wired.rejected.keep(kept("dead-2"))
    status, told = run("replay", "--all")
    assert status == 1
    assert "dead-2 is on invoice.paid again" in told


def test_an_unknown_id_is_named(wired: Wiring, run: Run) -> None:
    status, told = run("show", "nothing")
    assert (status, told) == (1, "there is no message nothing; see `dead-letters list`\n")
