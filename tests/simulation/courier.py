"""The vendors' webhooks: lost, doubled, late, forged, sent again on their schedules, or never."""

import random
from collections.abc import Callable, Sequence

from functions.payment_callback.use_case import InvoiceCallback
from shared.domain.invoice import Invoice
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Answer, Kernel, Reply

TIMEOUT_S = 30.0
# Xendit's waits after an answer that is not 2xx.
RETRY_WAITS_S = tuple(3600.0 * hours for hours in (0.25, 1, 3, 6, 12, 24))
# Meta's, which does not say how often; it goes on for days.
META_WAITS_S = (10.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0, 86_400.0, 86_400.0)

Call = Callable[[InvoiceCallback, Answer], None]
# Hands one webhook to its function, which answers; DONE is 2xx.
Hand = Callable[[Answer], None]


class Courier:
    """Sends webhooks. ``call`` hands one about an invoice to the function."""

    def __init__(self, kernel: Kernel, weather: Weather, chance: random.Random, call: Call) -> None:
        self._kernel = kernel
        self._weather = weather
        self._chance = chance
        self._call = call

    def send(self, invoice: Invoice, status: str) -> None:
        """Tell of an invoice, as the weather lets it through."""
        callback = InvoiceCallback(
            external_id=invoice.order_id,
            id=invoice.id if self._chance.random() < 0.8 else None,  # real bodies lack it at times
            status=status,
        )
        self.carry(lambda answer: self._call(callback, answer))

    def carry(self, hand: Hand, waits: Sequence[float] = RETRY_WAITS_S) -> None:
        """Carry Xendit's webhook, which may get lost, come late, or twice."""
        if self._weather.strikes(Fault.WEBHOOK_DROPPED, 0.4):
            self._weather.fire(Fault.WEBHOOK_DROPPED)
            return
        self.carry_surely(hand, waits)

    def carry_surely(self, hand: Hand, waits: Sequence[float] = META_WAITS_S) -> None:
        """Carry Meta's webhook, which goes on trying: it may come late, or twice."""
        wait = self._chance.uniform(0.1, 2.0)
        if self._weather.strikes(Fault.WEBHOOK_DELAY, 0.3):
            self._weather.fire(Fault.WEBHOOK_DELAY)
            wait = self._chance.uniform(60.0, 3 * 3600.0)
        surely = waits is META_WAITS_S
        self._kernel.after(wait, lambda: self._try(hand, waits, surely=surely))
        if self._weather.strikes(Fault.WEBHOOK_DUPLICATE, 0.3):
            self._weather.fire(Fault.WEBHOOK_DUPLICATE)
            again = wait + self._chance.choice((0.0, 0.5, 600.0))
            self._kernel.after(again, lambda: self._try(hand, waits, surely=surely))

    def forge(self, invoice: Invoice) -> None:
        """Claim, as somebody who got hold of the token, that the invoice was paid."""
        self._weather.fire(Fault.WEBHOOK_FORGED)
        forged = InvoiceCallback(external_id=invoice.order_id, id=invoice.id, status="PAID")
        self._call(forged, lambda _reply: None)

    def _try(self, hand: Hand, waits: Sequence[float], *, surely: bool) -> None:
        answered = False

        def again() -> None:
            if waits:
                self._kernel.after(waits[0], lambda: self._try(hand, waits[1:], surely=surely))

        def answer(reply: Reply) -> None:
            nonlocal answered
            if answered:
                return
            answered = True
            if reply is Reply.AGAIN:
                again()

        def time_out() -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._weather.fire(Fault.WEBHOOK_TIMEOUT)
                if surely:  # Xendit does not send it again
                    again()

        late = self._weather.strikes(Fault.WEBHOOK_TIMEOUT, 0.15)
        self._kernel.after(0.0 if late else TIMEOUT_S, time_out)
        hand(answer)
