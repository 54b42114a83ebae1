"""The oracles of the pages see what they are there for, in pages that are as the function's."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from functions.manage_booking.desk import trouble
from functions.manage_booking.pages import Pages
from functions.manage_booking.words import read_words
from shared.adapters.vault import FernetVault
from shared.domain.confirmation import accept
from shared.domain.order import MoneyBackState, Order, Status
from shared.domain.schedule import Session
from shared.links import LinkSigner, Purpose
from shared.presentation.brand import Brand
from tests.bookings import SECRET, VAULT_KEY
from tests.builders import NOW, cancelled_order
from tests.fuzz import bookings, page_oracles
from tests.fuzz.wire import Answer, Request

BASE = "https://booking.example"
GET = Request(number=1, entry="manage_booking", kind="link", method="GET", languages=("id", "en"))
KNOWN = bookings.made(NOW, LinkSigner([SECRET], BASE), FernetVault([VAULT_KEY]))
SCHEDULED, OTHER = KNOWN.orders[Purpose.MANAGE][:2]
ASKED = KNOWN.orders[Purpose.ACCEPT][0]


@pytest.fixture(scope="module")
def page() -> Answer:
    """Return what somebody without a link is answered."""
    pages = Pages(Brand(name="N", help_email="help@n.example"))
    shown = trouble(read_words({"help_email": "help@n.example"}), "not_ours", 400).page
    assert shown is not None
    headers = {name.lower(): value for name, value in pages.headers.items()}
    headers["content-type"] = "text/html; charset=utf-8"
    return Answer(400, headers, pages.html(shown).encode())


def wrong(request: Request, answer: Answer) -> list[str]:
    return list(page_oracles.wrong_page(request, answer, KNOWN))


def test_a_page_as_it_is_has_nothing_wrong(page: Answer) -> None:
    assert wrong(GET, page) == []


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ("<script>alert(1)</script>", "a tag <script>"),
        ("<img src=x>", "a tag <img>"),
        ("<p onclick='a()'>a</p>", "<p onclick>"),
        ("<a href='javascript:alert(1)'>a</a>", "leads elsewhere"),
        ("<p class='a' class='b'>a</p>", "an attribute twice"),
        ("<p>a", "closes nothing"),
        ("</p>", "closes nothing"),
        ("<!-- why -->", "a comment"),
        ("<?php ?>", "an instruction"),
        ("a\x00b", "'\\x00'"),
        ("<p id='a\x07'>a</p>", "control character"),
        ("<br/>", "<br/>"),
        ("\udcff", "no UTF-8"),
    ],
)
def test_what_no_template_writes_is_seen(added: str, problem: str, page: Answer) -> None:
    changed = page.body.replace(b"</main>", added.encode("utf-8", "surrogateescape") + b"</main>")
    assert problem in "; ".join(wrong(GET, replace(page, body=changed)))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"</html>", b"", "never closed"),
        (b"</html>", b"</html>x", "outside of the page"),
        (b"<!doctype html>", b"", "no doctype"),
        (b"</style>", b"p{}</style>", "content-security-policy"),
        (b'<html lang="id">', b'<html lang="en">', "the page is in"),
    ],
)
def test_a_page_that_was_changed_is_seen(
    old: bytes, new: bytes, problem: str, page: Answer
) -> None:
    changed = replace(page, body=page.body.replace(old, new))
    assert problem in "; ".join(wrong(GET, changed))


def test_each_header_that_is_missing_is_seen(page: Answer) -> None:
    for name in page.headers:
        left = {other: value for other, value in page.headers.items() if other != name}
        assert wrong(GET, replace(page, headers=left)) == [f"a page is sent with {name}: None"]


def test_an_answer_that_is_no_page_is_seen() -> None:
    plain = Answer(400, {}, b'{"outcome": "refused"}')
    assert wrong(GET, plain) == ["400 without a page for a person"]
    assert wrong(replace(GET, kind="odd framing"), plain) == []


def test_what_is_shown_without_a_link_is_seen(page: Answer) -> None:
    def showing(word: str | None) -> Answer:
        assert word
        return replace(page, body=page.body.replace(b"</main>", f"{word}</main>".encode()))

    assert wrong(GET, showing(SCHEDULED.id)) == [f"shown without a link to it: {SCHEDULED.id}"]
    opened = replace(GET, opens=SCHEDULED.id)
    assert wrong(opened, showing(SCHEDULED.id)) == []
    assert wrong(opened, showing(OTHER.id)) == [f"shown without a link to it: {OTHER.id}"]
    for word in (SCHEDULED.mentee.email, SCHEDULED.mentee.phone):
        assert wrong(opened, showing(word)) == [f"shown to anybody: {word}"]


def test_an_account_is_shown_to_the_admin_who_transfers_and_to_nobody_else(page: Answer) -> None:
    due, other = KNOWN.orders[Purpose.PAYOUT_DONE][:2]
    (account,) = KNOWN.shown_on(Purpose.PAYOUT_DONE, due.id)
    shown = replace(page, body=page.body.replace(b"</main>", f"{account}</main>".encode()))
    seen = [f"shown to anybody: {account}"]
    transfers = replace(GET, target="/%70ayout-done?token=a", opens=due.id)
    assert wrong(transfers, shown) == []
    assert wrong(replace(transfers, opens=""), shown) == seen
    assert wrong(replace(transfers, opens=other.id), shown) == seen
    assert wrong(replace(transfers, target="/manage?token=a"), shown) == seen


def test_a_form_that_leads_elsewhere_is_seen(page: Answer) -> None:
    sent = replace(GET, method="POST", opens=ASKED.id, subject=ASKED.id)
    right = KNOWN.signer.url(Purpose.MANAGE, KNOWN.link(Purpose.MANAGE, ASKED)) + "&done=accept"

    def leading(to: str) -> list[str]:
        return wrong(sent, Answer(303, {**page.headers, "location": to}))

    assert leading(right) == []
    assert leading(right.replace("booking.", "evil."))
    assert leading(right.replace("done=accept", "done=evil"))
    assert leading(right.replace("token=", "token=x"))
    other = KNOWN.signer.url(Purpose.MANAGE, KNOWN.link(Purpose.MANAGE, OTHER)) + "&done=accept"
    assert leading(other)


def _changed(order: Order, **changes: object) -> Order:
    return msgspec.structs.replace(order, **changes)


def _moved_by(days: int) -> Order:
    starts_at = SCHEDULED.session.starts_at + timedelta(days=days)
    return _changed(SCHEDULED, session=_session(starts_at))


def _session(starts_at: datetime) -> Session:
    return msgspec.structs.replace(SCHEDULED.session, starts_at=starts_at)


def _accepted(order: Order) -> Order:
    return accept(order, {}, revision=order.revision, now=NOW).order


def _with_account(account: str) -> Order:
    order = KNOWN.orders[Purpose.PAYOUT_ACCOUNT][0]
    given = msgspec.structs.replace(order.refunds[0], account=KNOWN.vault.seal(account))
    return _changed(order, refunds=(given,))


@pytest.mark.parametrize(
    ("purpose", "before", "right", "wrongs"),
    [
        (
            Purpose.DECLINE,
            ASKED,
            _changed(ASKED, status=Status.AWAITING_MENTEE, decline_note="I am ill"),
            [
                ASKED,
                _changed(ASKED, status=Status.AWAITING_MENTEE, decline_note="x" * 501),
                _changed(ASKED, status=Status.AWAITING_MENTEE, decline_note="a\nb"),
                _changed(ASKED, status=Status.AWAITING_MENTEE, decline_note="\u202ea"),
                _changed(ASKED, status=Status.AWAITING_MENTEE, decline_note="\u200b"),
                _changed(ASKED, status=Status.CANCELLED),
            ],
        ),
        (Purpose.RESCHEDULE, SCHEDULED, _moved_by(2), [SCHEDULED, _moved_by(-11), _moved_by(9)]),
        (
            Purpose.PAYOUT_ACCOUNT,
            KNOWN.orders[Purpose.PAYOUT_ACCOUNT][0],
            _with_account("BCA 1234567890 a.n. Sari Wulandari"),
            [
                _with_account("BCA 1234 a.n. Sari Wulandari"),
                _with_account("BCA 1234567890 a.n. \u200b\u200b"),
                KNOWN.orders[Purpose.PAYOUT_ACCOUNT][0],
            ],
        ),
        (
            Purpose.PAYOUT_DONE,
            KNOWN.orders[Purpose.PAYOUT_DONE][0],
            _changed(
                KNOWN.orders[Purpose.PAYOUT_DONE][0],
                refunds=(
                    msgspec.structs.replace(
                        KNOWN.orders[Purpose.PAYOUT_DONE][0].refunds[0],
                        state=MoneyBackState.PAID_OUT,
                        account=None,
                    ),
                ),
            ),
            [KNOWN.orders[Purpose.PAYOUT_DONE][0]],
        ),
        (Purpose.CANCEL, SCHEDULED, cancelled_order(SCHEDULED), [SCHEDULED, ASKED]),
        (Purpose.ACCEPT, ASKED, _accepted(ASKED), [ASKED, _changed(ASKED, status=Status.PAID)]),
        (Purpose.MANAGE, ASKED, None, [_accepted(ASKED)]),
    ],
)
def test_what_a_form_may_not_do_is_seen(
    purpose: Purpose, before: Order, right: Order | None, wrongs: list[Order]
) -> None:
    sent = replace(GET, target=f"/b/{purpose}/?a=b")
    assert right is None or page_oracles.wrong_outcome(sent, before, right, KNOWN) is None
    for after in wrongs:
        assert page_oracles.wrong_outcome(sent, before, after, KNOWN)
