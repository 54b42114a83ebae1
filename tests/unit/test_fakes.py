"""The fakes of the outside services behave as those services do."""

from datetime import timedelta

import msgspec
import pytest

from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import RoomStatus, meeting_request
from shared.domain.notifications import Mail
from shared.errors import PermanentError, RetryableError
from shared.ports import InvoiceRequest
from tests.builders import order, paid_order
from tests.fakes import FakeClock, FakeInvoiceGateway, FakeMailer, FakeMeetingScheduler

INVOICE = InvoiceRequest(order=order(), duration_s=600)
MEETING = meeting_request(paid_order())
MAIL = Mail(key="k", to_name="Sari", to_email="sari@example.com", subject="s", text="t", html="h")


def test_invoices_are_found_by_order_oldest_first() -> None:
    gateway = FakeInvoiceGateway(FakeClock())
    made = [gateway.create(INVOICE), gateway.create(INVOICE)]
    gateway.create(InvoiceRequest(order=order(id="other"), duration_s=600))
    assert gateway.find(order().id) == made
    assert gateway.get(made[1].id) == made[1]
    assert gateway.get("inv-99") is None


def test_an_unpaid_invoice_expires_with_time_or_when_told() -> None:
    clock = FakeClock()
    gateway = FakeInvoiceGateway(clock)
    first, second, paid = (gateway.create(INVOICE).id for _ in range(3))
    gateway.pay(paid, amount=1)
    gateway.expire(first)
    gateway.expire(first)
    gateway.expire(paid)
    statuses = [invoice.status for invoice in gateway.all]
    assert statuses == [InvoiceStatus.EXPIRED, InvoiceStatus.PENDING, InvoiceStatus.PAID]
    clock.advance(timedelta(seconds=600))
    late = gateway.get(second)
    assert late is not None
    assert late.status is InvoiceStatus.EXPIRED
    with pytest.raises(PermanentError, match="there is no invoice inv-99"):
        gateway.expire("inv-99")


def test_a_lost_answer_is_not_a_lost_effect() -> None:
    gateway = FakeInvoiceGateway(FakeClock())
    gateway.faults.before("create", RetryableError("refused"))
    gateway.faults.after("create", RetryableError("lost"))
    with pytest.raises(RetryableError, match="refused"):
        gateway.create(INVOICE)
    assert gateway.find(order().id) == []
    with pytest.raises(RetryableError, match="lost"):
        gateway.create(INVOICE)
    assert len(gateway.find(order().id)) == 1


def test_a_room_is_pending_first_and_asking_again_changes_nothing() -> None:
    scheduler = FakeMeetingScheduler(pending_reads=2)
    rooms = [scheduler.ensure(MEETING).room for _ in range(3)]
    assert rooms == [RoomStatus.PENDING, RoomStatus.PENDING, RoomStatus.READY]
    ready = scheduler.get(MEETING.event_id)
    assert ready is not None
    assert ready.meet_url == f"https://meet.google.com/{MEETING.event_id[:10]}"
    assert list(scheduler.live) == [ready]


def test_a_failed_room_needs_another_request() -> None:
    scheduler = FakeMeetingScheduler(failing_rooms=1)
    assert scheduler.ensure(MEETING).room is RoomStatus.FAILED
    assert scheduler.ensure(MEETING).room is RoomStatus.FAILED
    anew = msgspec.structs.replace(MEETING, room_request_id="another")
    assert scheduler.ensure(anew).room is RoomStatus.READY


def test_a_deleted_event_stays_deleted() -> None:
    scheduler = FakeMeetingScheduler()
    scheduler.ensure(MEETING)
    scheduler.delete(MEETING.event_id)
    assert scheduler.ensure(MEETING).cancelled
    assert list(scheduler.live) == []
    assert scheduler.get("unknown") is None


def test_a_draft_is_sent_once_and_a_discarded_one_never() -> None:
    mailer = FakeMailer()
    sent, discarded = mailer.draft(MAIL), mailer.draft(MAIL)
    mailer.discard(discarded)
    for draft_id in (sent, sent, discarded, discarded):
        mailer.send(draft_id, MAIL)
    assert mailer.sent == [MAIL]
    assert mailer.drafts == {}
