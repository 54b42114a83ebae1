"""Xendit's webhooks: lost, doubled, late, forged, sent again on its schedule, or never."""

import random
from collections.abc import Callable

from functions.payment_callback.use_case import InvoiceCallback
from shared.domain.invoice import Invoice
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Answer, Kernel, Reply

TIMEOUT_S = 30.0
# The waits after an answer that is not 2xx.
RETRY_WAITS_S = tuple(3600.0 * hours for hours in (0.25, 1, 3, 6, 12, 24))

Call = Callable[[InvoiceCallback, Answer], None]


class Courier:
    """Sends webhooks. ``call`` hands one to the function, which answers; DONE is 2xx."""

    def __init__(self, kernel: Kernel, weather: Weather, chance: random.Random, call: Call) -> None:
        self._kernel = kernel
        self._weather = weather
        self._chance = chance
        self._call = call

    def send(self, invoice: Invoice, status: str) -> None:
        """Tell of an invoice, as the weather lets it through."""
        if self._weather.strikes(Fault.WEBHOOK_DROPPED, 0.4):
            self._weather.fire(Fault.WEBHOOK_DROPPED)
            return
        wait = self._chance.uniform(0.1, 2.0)
        if self._weather.strikes(Fault.WEBHOOK_DELAY, 0.3):
            self._weather.fire(Fault.WEBHOOK_DELAY)
            wait = self._chance.uniform(60.0, 3 * 3600.0)
        callback = InvoiceCallback(
            external_id=invoice.order_id,
            id=invoice.id if self._chance.random() < 0.8 else None,  # real bodies lack it at times
            status=status,
        )
        self._kernel.after(wait, lambda: self._try(callback, 0))
        if self._weather.strikes(Fault.WEBHOOK_DUPLICATE, 0.3):
            self._weather.fire(Fault.WEBHOOK_DUPLICATE)
            again = wait + self._chance.choice((0.0, 0.5, 600.0))
            self._kernel.after(again, lambda: self._try(callback, 0))

    def forge(self, invoice: Invoice) -> None:
        """Claim, as somebody who got hold of the token, that the invoice was paid."""
        self._weather.fire(Fault.WEBHOOK_FORGED)
        forged = InvoiceCallback(external_id=invoice.order_id, id=invoice.id, status="PAID")
        self._call(forged, lambda _reply: None)

    def _try(self, callback: InvoiceCallback, retries: int) -> None:
        answered = False

        def answer(reply: Reply) -> None:
            nonlocal answered
            if answered:
                return
            answered = True
            if reply is Reply.AGAIN and retries < len(RETRY_WAITS_S):
                wait = RETRY_WAITS_S[retries]
                self._kernel.after(wait, lambda: self._try(callback, retries + 1))

        def time_out() -> None:
            nonlocal answered
            if not answered:
                answered = True  # never sent again
                self._weather.fire(Fault.WEBHOOK_TIMEOUT)

        late = self._weather.strikes(Fault.WEBHOOK_TIMEOUT, 0.15)
        self._kernel.after(0.0 if late else TIMEOUT_S, time_out)
        self._call(callback, answer)
