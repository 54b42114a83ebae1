"""What becomes later of refunds and of chat messages, and the webhooks that tell of it."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from functions.payment_callback.refund_webhook import RefundCallback, read_refund_callback
from shared.domain.notifications import TemplateMessage
from shared.domain.refund import Refund, RefundRequest, RefundStatus
from shared.whatsapp_webhook import MessageStatus, read_webhook
from tests.simulation.courier import Courier
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Answer, Kernel
from tests.simulation.trace import Trace
from tests.simulation.vendors import SimulatedRefunds

# By wallet a refund takes seconds, by card a day.
_REFUND_LASTS_S = (3.0, 60.0, 3600.0, 20 * 3600.0)
_CHAT_LASTS_S = (1.0, 30.0, 3600.0)

CallRefund = Callable[[RefundCallback, Answer], None]
CallStatuses = Callable[[tuple[MessageStatus, ...], Answer], None]


class RefundFates:
    """Ends each refund in its time. ``call`` hands a webhook to payment_callback."""

    def __init__(
        self,
        kernel: Kernel,
        weather: Weather,
        chance: random.Random,
        trace: Trace,
        call: CallRefund,
    ) -> None:
        self._kernel = kernel
        self._weather = weather
        self._chance = chance
        self._trace = trace
        self._call = call
        self._refunds: SimulatedRefunds
        self._courier: Courier

    def meet(self, refunds: SimulatedRefunds, courier: Courier) -> None:
        """Get to know Xendit."""
        self._refunds, self._courier = refunds, courier

    def started(self, request: RefundRequest, refund: Refund) -> None:
        """Plan how a refund ends."""
        wait = self._chance.random() * self._chance.choice(_REFUND_LASTS_S)
        self._kernel.after(wait, partial(self._end, request, refund.id))

    def _end(self, request: RefundRequest, refund_id: str) -> None:
        status, failure = RefundStatus.SUCCEEDED, None
        if self._weather.strikes(Fault.REFUND_FAILED, 0.3):
            self._weather.fire(Fault.REFUND_FAILED)
            status, failure = RefundStatus.FAILED, "MAXIMUM_USER_BALANCE_EXCEEDED"
        self._trace.note(f"refund {refund_id} {status}", request.order_id)
        over = self._refunds.finish(refund_id, status, failure)
        callback = read_refund_callback(self._body(request, over))
        assert callback is not None
        self._courier.carry(partial(self._call, callback))

    def _body(self, request: RefundRequest, refund: Refund) -> bytes:
        """Return a webhook, flat as recorded, or nested as in Xendit's documentation."""
        event = f"refund.{refund.status}"
        said: dict[str, Any] = {"id": refund.id, "reference_id": request.order_id}
        if self._chance.random() < 0.5:
            return _json({"event": event, "data": said | {"invoice_id": refund.invoice_id}})
        metadata = {"order_id": request.order_id, "invoice_id": request.invoice_id}
        inner = {"event": event, "data": said | {"metadata": metadata}}
        return _json({"event": event, "data": inner})


class ChatFates:
    """Delivers chat messages, or fails to. ``call`` hands a webhook to track_delivery."""

    def __init__(
        self,
        kernel: Kernel,
        weather: Weather,
        chance: random.Random,
        courier: Courier,
        call: CallStatuses,
    ) -> None:
        # The keys of the messages that did not arrive.
        self.undelivered: set[str] = set()
        self._kernel = kernel
        self._weather = weather
        self._chance = chance
        self._courier = courier
        self._call = call

    def sent(self, message: TemplateMessage, message_id: str) -> bool:
        """Decide what becomes of a message; return whether its reader gets it."""
        wait = self._chance.random() * self._chance.choice(_CHAT_LASTS_S)
        if self._weather.strikes(Fault.CHAT_UNDELIVERED, 0.2):
            self._weather.fire(Fault.CHAT_UNDELIVERED)
            self.undelivered.add(message.key)
            self._tell(wait, message.key, message_id, "failed")
            return False
        if self._chance.random() < 0.2:  # mostly nothing new follows from these
            self._tell(wait, message.key, message_id, "delivered")
        return True

    def _tell(self, wait: float, key: str, message_id: str, status: str) -> None:
        told = {"id": message_id, "status": status, "biz_opaque_callback_data": key}
        change = {"field": "messages", "value": {"statuses": [told]}}
        statuses = read_webhook(_json({"entry": [{"changes": [change]}]})).statuses
        hand = partial(self._call, statuses)
        self._kernel.after(wait, partial(self._courier.carry_surely, hand))


def _json(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body)
