"""What fuzzing found: requests that once ended in an error that nobody foresaw."""

import json
from datetime import timedelta
from functools import partial

import msgspec
import pytest

from local.topology import FUNCTIONS
from shared import messages
from shared.domain.events import AttentionRaised
from shared.domain.order import Change, Order
from shared.domain.schedule import Days
from tests.builders import NOW, scheduled_order, session_after
from tests.component.functions.bench import Functions, push
from tests.component.functions.test_webhooks import paid
from tests.fuzz.wire import Framing, Request, send


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("framing", [Framing.BAD_CHUNK, Framing.TOO_SHORT])
@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_a_body_that_cannot_be_read_to_its_end_is_refused(
    name: str, framing: Framing, method: str, functions: Functions
) -> None:
    kept = functions.rejected.list(1000)
    request = Request(
        number=0, entry=name, kind="", method=method, body=push(b"{}"), framing=framing
    )
    answer = send(request, functions.config.ports[name])
    assert (answer.status, b'"refused"' in answer.body) == (400, True)
    assert functions.rejected.list(1000) == kept


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": "x" * 1025},
        {"x" * 257: "a"},
        {f"a{n}": "x" for n in range(121)},
    ],
    ids=["long value", "long name", "many"],
)
def test_attributes_beyond_pub_subs_limits_are_none_of_its_pushes(
    attributes: dict[str, str], functions: Functions
) -> None:
    body = push(messages.encode(functions.request()), attributes)
    answer = functions.post("create_invoice", body)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "rejected")
    assert functions.kept(body).reason.startswith("not a Pub/Sub push request")


@pytest.mark.parametrize("reason", ["a\r\nBcc: all@example.com", "a\x85b", "a\u2028b", "\x00"])
def test_a_reason_with_line_breaks_is_told_to_the_admin(reason: str, functions: Functions) -> None:
    order = functions.invoiced()
    raised = AttentionRaised(order_id=order.id, reason=reason, since=NOW)
    assert functions.deliver("send_notification", raised).status_code == 204
    mails = functions.google.ask("mails", to="admin@nusademy.example")["mails"]
    (mail,) = [mail for mail in mails if order.id in mail["text"]]
    assert f"{order.id}:attention-" in mail["headers"]["X-Notification-Key"]
    assert "Bcc" not in mail["headers"]


@pytest.mark.parametrize("invoice_id", ["x" * 100_000, "../../etc/passwd", "?a=b", "a\nb", " "])
def test_a_webhook_with_an_id_that_xendit_cannot_have_changes_nothing(
    invoice_id: str, functions: Functions
) -> None:
    order = functions.invoiced()
    body = json.dumps(paid(order, id=invoice_id, status="EXPIRED")).encode()
    answer = functions.webhook(body)
    assert (answer.status_code, answer.json()["outcome"] in {"rejected", "unchanged"}) == (
        200,
        True,
    )
    assert functions.order(order.id) == order


def test_a_webhook_is_kept_if_xendit_will_never_tell_of_its_invoice(functions: Functions) -> None:
    order = functions.invoiced()
    body = json.dumps(paid(order)).encode()
    functions.xendit.fault("invoices.get", "error_before", status=400, times=1)
    assert functions.webhook(body).json()["outcome"] == "rejected"
    assert functions.kept(body).reason.startswith("Xendit answered 400")
    assert functions.order(order.id) == order


def stored(_current: Order | None, _days: Days, *, order: Order) -> Change:
    return Change(order=order)


def test_an_order_that_the_calendar_refuses_to_tell_of_does_not_stop_the_others(
    functions: Functions,
) -> None:
    now = functions.config.clock.now().replace(microsecond=0)
    refused = scheduled_order(
        id=functions.request().order_id,
        session=session_after(now),
        check_at=now - timedelta(days=2),
    )
    behind = msgspec.structs.replace(
        refused, id=functions.request().order_id, check_at=now - timedelta(days=1)
    )
    for order in (refused, behind):
        functions.orders.transact(order.id, partial(stored, order=order))
    refusal = {"operation": "calendar.events.get", "reason": "forbiddenForServiceAccounts"}
    functions.google.tell("refusals", **refusal)
    answer = functions.post("reconcile_orders")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "ticked")
    for order in (refused, behind):
        check_at = functions.order(order.id).check_at
        assert check_at is None or check_at > now
