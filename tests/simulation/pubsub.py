"""Pub/Sub's push subscriptions in virtual time: at least once, in no order, up to a dead letter."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from functions.keep_dead_letter.use_case import SOURCE_ATTEMPTS, SOURCE_SUBSCRIPTION
from local.topology import DEAD_LETTER_SUFFIX, FUNCTIONS
from shared.messages import PushedMessage
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Answer, Kernel, Reply

ACK_DEADLINE_S = 60.0
SHORTEST_BACKOFF_S = 10.0
LONGEST_BACKOFF_S = 600.0

# Gets the function's name and the message; the answer is an ack or a nack.
Push = Callable[[str, PushedMessage, Answer], None]


@dataclass
class Delivery:
    """A message on its way to one subscription."""

    message: PushedMessage
    function: str
    number: int
    attempts: int = 0


class Queue:
    """All topics and subscriptions. ``max_attempts`` is that of the dead-letter policies."""

    def __init__(self, kernel: Kernel, weather: Weather, chance: random.Random, push: Push) -> None:
        self.outstanding = 0
        # The ids under which what was given up has to be kept.
        self.dead: set[str] = set()
        self.max_attempts = chance.choice((5, 10, 20, 20))
        self._kernel = kernel
        self._weather = weather
        self._chance = chance
        self._push = push
        self._published = 0
        self._latest: dict[tuple[str, str], int] = defaultdict(int)
        self._subscriptions: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for function in FUNCTIONS:
            for name, topic in function.subscriptions().items():
                self._subscriptions[topic].append((name, function.name))

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """Accept a message: from here on it is not lost."""
        self._published += 1
        for subscription, function in self._subscriptions[topic]:
            message = PushedMessage(
                id=f"m{self._published}",
                data=data,
                attributes=dict(attributes),
                subscription=subscription,
                delivery_attempt=1,
            )
            self._enqueue(message, function)
            if self._weather.strikes(Fault.DUPLICATE, 0.06):
                self._weather.fire(Fault.DUPLICATE)
                self._enqueue(message, function)

    def _bury(self, delivery: Delivery, topic: str) -> None:
        self._weather.fire(Fault.DEAD_LETTER)
        message = delivery.message
        source = {
            SOURCE_SUBSCRIPTION: message.subscription,
            SOURCE_ATTEMPTS: str(delivery.attempts),
        }
        self.publish(topic, message.data, message.attributes | source)
        self.dead.add(f"dead-{message.subscription}-m{self._published}")

    def _enqueue(self, message: PushedMessage, function: str) -> None:
        delivery = Delivery(message=message, function=function, number=self._published)
        self.outstanding += 1
        self._kernel.after(self._way(), lambda: self._deliver(delivery))

    def _way(self) -> float:
        if self._weather.strikes(Fault.DELAY, 0.06):
            self._weather.fire(Fault.DELAY)
            return self._chance.uniform(5.0, 300.0)
        if self._weather.strikes(Fault.REORDER, 0.06):
            return self._chance.uniform(300.0, 3600.0)
        return 0.5 * self._chance.random() ** 4

    def _deliver(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        self._count_overtaken(delivery)
        answered = False

        def answer(reply: Reply) -> None:
            nonlocal answered
            if answered:
                return  # too late: the push has timed out and the message is on its way again
            answered = True
            if reply is Reply.DONE:
                self.outstanding -= 1
            else:
                self._again(delivery)

        message = msgspec.structs.replace(delivery.message, delivery_attempt=delivery.attempts)
        self._kernel.after(ACK_DEADLINE_S, lambda: answer(Reply.AGAIN))
        self._push(delivery.function, message, answer)

    def _again(self, delivery: Delivery) -> None:
        dead_letter_topic = delivery.message.subscription + DEAD_LETTER_SUFFIX
        if delivery.attempts >= self.max_attempts and self._subscriptions[dead_letter_topic]:
            self.outstanding -= 1
            self._bury(delivery, dead_letter_topic)
            return
        longest = min(LONGEST_BACKOFF_S, SHORTEST_BACKOFF_S * 2.0 ** (delivery.attempts - 1))
        wait = self._chance.uniform(SHORTEST_BACKOFF_S, max(longest, SHORTEST_BACKOFF_S + 1))
        self._kernel.after(wait, lambda: self._deliver(delivery))

    def _count_overtaken(self, delivery: Delivery) -> None:
        order_id = delivery.message.attributes.get("ce-correlationid", "")
        key = (delivery.function, order_id)
        if delivery.attempts == 1 and delivery.number < self._latest[key]:
            self._weather.fire(Fault.REORDER)
        self._latest[key] = max(self._latest[key], delivery.number)
