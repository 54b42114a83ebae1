"""Where links are shown and acted on: each purpose with its page, its act and its refusals."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec

from functions.manage_booking import action_pages
from functions.manage_booking.action_pages import QUESTIONS, TOLD, back_to_status, money_told
from functions.manage_booking.forms import FormError, read_account, read_note, read_time
from functions.manage_booking.pages import Page
from functions.manage_booking.possible import ACCOUNT_GIVEN, PAID_OUT, READERS, is_done, why_not
from functions.manage_booking.status_page import status_page
from functions.manage_booking.use_case import OFFER_WITHIN, ManageBooking
from functions.manage_booking.visit import Rules, Visit
from functions.manage_booking.words import LOCALES, Words
from shared.domain.actions import LINK_USED, TOO_LATE
from shared.domain.notifications import reader_of
from shared.domain.order import Order
from shared.domain.people import Locale, Person
from shared.errors import ActionRefusedError, PermanentError, RetryableError
from shared.links import LinkError, LinkSigner, Purpose

Fields = Mapping[str, str]
# The reasons that have a page of their own; all others are told as "not now".
_PAGES = {
    LINK_USED: ("used", 410),
    TOO_LATE: ("too_late", 409),
    ACCOUNT_GIVEN: ("account_given", 409),
    PAID_OUT: ("paid_out", 409),
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back: a page, or the address of one. ``outcome`` is for the logs."""

    status: int
    outcome: str
    page: Page | None = None
    location: str = ""


class UnknownOrderError(Exception):
    """The link is genuine, and there is no such order."""


class Desk(msgspec.Struct, frozen=True):
    """Shows what a link leads to, and does what its form asks. Showing changes nothing."""

    step: ManageBooking
    signer: LinkSigner
    admin: Person
    words: Mapping[Locale, Words]

    def receive(self, purpose: Purpose, token: str) -> Visit:
        """Return who came, for what. Raises LinkError and UnknownOrderError."""
        now = self.step.clock.now()
        link = self.signer.read(purpose, token, now)
        if link.recipient not in READERS[purpose]:
            raise LinkError
        order = self.step.find(link.order_id)
        if order is None:
            raise UnknownOrderError
        reader = reader_of(link.recipient, order, self.admin)
        return Visit(
            purpose=purpose,
            link=link,
            token=token,
            order=order,
            reader=reader,
            now=now,
            rules=Rules(refund_until=self.step.refund_until, move_until=self.step.move_until),
            signer=self.signer,
            vault=self.step.vault,
            plain=self.words[reader.locale],
        )

    def show(self, visit: Visit, done: str) -> Answer:
        """Return the page that the link opens; ``done`` names what was done just before."""
        if visit.purpose is Purpose.MANAGE:
            just_done = next((p for p in Purpose if p == done and _may(visit, p)), None)
            return Answer(status=200, outcome="shown", page=status_page(visit, just_done))
        reason = self._why_not(visit)
        if reason is not None:
            return _refused(visit, reason)
        if visit.purpose is Purpose.RESCHEDULE:
            page = action_pages.times_page(visit, self.step.other_times(visit.order))
        else:
            page = QUESTIONS[visit.purpose](visit)
        return Answer(status=200, outcome="shown", page=page)

    def act(self, visit: Visit, fields: Fields) -> Answer:
        """Do what the form asks. What was done by it already is answered as if it were now."""
        if self._is_done(visit, fields):
            return _moved_on(visit, "unchanged")
        reason = self._why_not(visit)
        if reason is not None:
            return _refused(visit, reason)
        try:
            return self._acts[visit.purpose](visit, fields)
        except ActionRefusedError as error:
            return self._overtaken(visit, fields, error.reason)

    def locale_of_expired(self, purpose: Purpose, token: str) -> Locale | None:
        """Return the language of a reader whose link has expired; it gives them nothing else."""
        link = self.signer.read_expired(purpose, token)
        try:
            order = self.step.find(link.order_id)
        except RetryableError:  # then they are told in every language
            return None
        if order is None:
            return None
        return reader_of(link.recipient, order, self.admin).locale

    @property
    def _acts(self) -> Mapping[Purpose, Callable[[Visit, Fields], Answer]]:
        return {
            Purpose.ACCEPT: lambda visit, _: _done(
                visit, self.step.accept(visit.order, visit.link)
            ),
            Purpose.DECLINE: self._decline,
            Purpose.CANCEL: self._cancel,
            Purpose.RESCHEDULE: self._reschedule,
            Purpose.PAYOUT_ACCOUNT: self._give_account,
            Purpose.PAYOUT_DONE: lambda visit, _: _done(
                visit, self.step.note_paid_out(visit.order, visit.link)
            ),
        }

    def _decline(self, visit: Visit, fields: Fields) -> Answer:
        try:
            note = read_note(fields)
        except FormError as error:
            page = action_pages.decline_page(visit, fields, error.complaints)
            return _incomplete(page)
        return _done(visit, self.step.decline(visit.order, visit.link, note))

    def _cancel(self, visit: Visit, fields: Fields) -> Answer:
        # Nobody loses money that the page before had said they would get back.
        if fields.get(TOLD) != money_told(visit):
            page = action_pages.cancel_page(visit, changed=True)
            return Answer(status=409, outcome="money_changed", page=page)
        return _done(visit, self.step.cancel(visit.order, visit.link))

    def _reschedule(self, visit: Visit, fields: Fields) -> Answer:
        chosen = read_time(fields)
        if chosen is None:
            return _incomplete(self._times(visit, "choose"))
        # Beyond what was offered, nobody has looked.
        if not visit.now < chosen <= visit.now + OFFER_WITHIN + timedelta(days=1):
            return self._gone(visit)
        if chosen == visit.order.session.starts_at:
            return self._gone(visit)
        return _done(visit, self.step.reschedule(visit.order, visit.link, chosen))

    def _give_account(self, visit: Visit, fields: Fields) -> Answer:
        try:
            account = read_account(fields)
        except FormError as error:
            return _incomplete(action_pages.account_page(visit, fields, error.complaints))
        return _done(visit, self.step.give_account(visit.order, visit.link, account.text))

    def _overtaken(self, visit: Visit, fields: Fields, reason: str) -> Answer:
        """Answer to what the order, as it stands by now, refused."""
        order = self.step.find(visit.order.id) or visit.order
        visit = msgspec.structs.replace(visit, order=order)
        if self._is_done(visit, fields):
            return _moved_on(visit, "unchanged")
        still_open = self._why_not(visit) is None
        if visit.purpose is Purpose.RESCHEDULE and still_open:
            return self._gone(visit)
        return _refused(visit, reason)

    def _gone(self, visit: Visit) -> Answer:
        return Answer(status=409, outcome="slot_gone", page=self._times(visit, "gone"))

    def _times(self, visit: Visit, alert: str) -> Page:
        return action_pages.times_page(visit, self.step.other_times(visit.order), alert)

    def _is_done(self, visit: Visit, fields: Fields) -> bool:
        if visit.purpose is Purpose.PAYOUT_ACCOUNT:
            return self._has_account(visit, fields)
        return is_done(visit.purpose, visit.link, visit.order, read_time(fields))

    def _has_account(self, visit: Visit, fields: Fields) -> bool:
        sealed = visit.refund.account if visit.refund else None
        if sealed is None:
            return False
        try:
            return self.step.vault.open(sealed) == read_account(fields).text
        except (FormError, PermanentError):
            return False

    def _why_not(self, visit: Visit) -> str | None:
        return why_not(visit.purpose, visit.link, visit.order, visit.rules.move_until, visit.now)


def _may(visit: Visit, purpose: Purpose) -> bool:
    return purpose is not Purpose.MANAGE and visit.link.recipient in READERS[purpose]


def _done(visit: Visit, order: Order) -> Answer:
    return _moved_on(msgspec.structs.replace(visit, order=order), "done")


def _moved_on(visit: Visit, outcome: str) -> Answer:
    """Send the browser to the order's page, so that loading that again sends no form again."""
    location = f"{visit.url(Purpose.MANAGE)}&done={visit.purpose}"
    return Answer(status=303, outcome=outcome, location=location)


def _incomplete(page: Page) -> Answer:
    return Answer(status=422, outcome="incomplete", page=page)


def _refused(visit: Visit, reason: str) -> Answer:
    kind, status = _PAGES.get(reason, ("not_now", 409))
    words = visit.words
    page = Page(
        words=words,
        heading=words(f"refused.{kind}.heading"),
        paragraphs=(words(f"refused.{kind}.text"), words(f"refused.{kind}.next")),
        facts=(
            (words("fact.status"), words(f"standing.{visit.order.status}.{visit.link.recipient}")),
        ),
        actions=(msgspec.structs.replace(back_to_status(visit), weight="main"),),
        order_id=visit.order.id,
    )
    return Answer(status=status, outcome=f"refused_{kind}", page=page)


def trouble(
    words: Mapping[Locale, Words], kind: str, status: int, locale: Locale | None = None
) -> Answer:
    """Return a page about what went wrong, in every language if the reader's is not known."""
    pages = [_trouble(words[each], kind) for each in ([locale] if locale else LOCALES)]
    other = pages[1] if len(pages) > 1 else None
    page = msgspec.structs.replace(pages[0], other=other)
    return Answer(status=status, outcome=kind, page=page)


def _trouble(words: Words, kind: str) -> Page:
    return Page(
        words=words,
        heading=words(f"error.{kind}.heading"),
        paragraphs=(words(f"error.{kind}.text"), words(f"error.{kind}.next")),
    )
