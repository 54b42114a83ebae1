"""Who came with what link to which order, and what the pages can tell them in their words."""

from datetime import datetime, timedelta
from functools import cached_property, partial

import msgspec

from functions.manage_booking.forms import masked
from functions.manage_booking.words import Facts, Words
from shared.domain.cancellation import refund_on_cancel
from shared.domain.confirmation import choose_by
from shared.domain.notifications import Recipient
from shared.domain.order import MoneyBack, Order, Status
from shared.domain.people import Person
from shared.errors import PermanentError
from shared.links import LOOK_UP_FOR, Link, LinkSigner, Purpose
from shared.ports import Vault
from shared.presentation import phrases
from shared.presentation.facts import one_line


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How long before its start a session can be cancelled for the money, and moved."""

    refund_until: timedelta
    move_until: timedelta


class Visit(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A genuine link of this reader's, and the order as it stands at this time."""

    purpose: Purpose
    link: Link
    token: str
    order: Order
    reader: Person
    now: datetime
    rules: Rules
    signer: LinkSigner
    vault: Vault
    plain: Words

    @cached_property
    def words(self) -> Words:
        """The words of the reader's language, which may tell of the order."""
        return self.plain.knowing(_facts(self))

    @property
    def is_mentee(self) -> bool:
        """Whether the mentee reads."""
        return self.link.recipient is Recipient.MENTEE

    @property
    def is_mentor(self) -> bool:
        """Whether the mentor reads."""
        return self.link.recipient is Recipient.MENTOR

    @property
    def refund(self) -> MoneyBack | None:
        """The money that the link is about."""
        return self.order.refund_of(self.link.invoice_id)

    @property
    def refund_on_cancel(self) -> bool:
        """Whether the money goes back if the mentee cancels now."""
        return refund_on_cancel(self.order, self.rules.refund_until, self.now)

    def url(self, purpose: Purpose, invoice_id: str = "") -> str:
        """Return a fresh address for this reader.

        It holds as long as the one that led here, and the order's page as long as there is
        something to look up: whoever has an old link does not get a new one over and over.
        """
        until = self.link.expires_at
        if purpose is Purpose.MANAGE:
            until = max(until, int((self.order.session.ends_at + LOOK_UP_FOR).timestamp()))
        fresh = Link(
            order_id=self.order.id,
            recipient=self.link.recipient,
            revision=self.order.revision,
            expires_at=until,
            invoice_id=invoice_id,
        )
        return self.signer.url(purpose, fresh)

    def account_of(self, refund: MoneyBack) -> str:
        """Return the sealed account with all but its last digits left out, or a dash."""
        account = self.full_account_of(refund)
        return "-" if account is None else masked(account)

    def full_account_of(self, refund: MoneyBack) -> str | None:
        """Return the sealed account, for the admin who transfers to it; None if no key opens it."""
        if refund.account is None:
            return None
        try:
            return self.vault.open(refund.account)
        except PermanentError:
            return None


def _facts(visit: Visit) -> Facts:
    order, reader, rules, refund = visit.order, visit.reader, visit.rules, visit.refund
    start = order.session.starts_at
    instants = {
        "refund_by": start - rules.refund_until,
        "move_by": start - rules.move_until,
        "pay_by": order.invoice.expires_at if order.invoice else None,
        "answer_by": order.confirmation.answer_by if order.confirmation else None,
        "choose_by": choose_by(order) if order.status is Status.AWAITING_MENTEE else None,
    }
    lead_minutes = int(rules.refund_until.total_seconds() // 60)
    return Facts(
        {
            "mentee": lambda: one_line(order.mentee.name),
            "mentor": lambda: one_line(order.mentor.name),
            "note": lambda: one_line(order.decline_note or ""),
            "lead": lambda: phrases.lead_time(lead_minutes, reader.locale),
            "paid": lambda: phrases.rupiah(order.payment.amount if order.payment else 0),
            "amount": lambda: phrases.rupiah(refund.amount if refund else 0),
        }
        | {name: partial(phrases.moment, at, reader) for name, at in instants.items() if at}
    )
