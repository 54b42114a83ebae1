"""Adapters are built once, by one thread, in the order in which they are asked for."""

import threading
from collections.abc import Callable

import pytest

from shared.adapters.later import Builder, Later


class Adapter:
    """Knows which thread built it."""

    def __init__(self) -> None:
        self.built_by = threading.current_thread()

    def name(self) -> str:
        """Return the name of the thread that built it."""
        return self.built_by.name


def counted(built: list[str], name: str) -> Callable[[], Adapter]:
    def build() -> Adapter:
        built.append(name)
        return Adapter()

    return build


class FailsOnce:
    """Builds an adapter, but not at the first attempt."""

    def __init__(self) -> None:
        self.attempts = 0

    def __call__(self) -> Adapter:
        self.attempts += 1
        if self.attempts == 1:
            raise OSError("no credentials yet")
        return Adapter()


def test_nothing_is_built_before_it_is_called_and_then_once() -> None:
    built: list[str] = []
    later = Later(Builder(), "orders", counted(built, "orders"))
    assert built == []
    later.name()
    later.name()
    assert built == ["orders"]


def test_one_thread_builds_whatever_thread_asks() -> None:
    builder, names = Builder(), []

    def ask(port: str) -> None:
        names.append(Later(builder, port, Adapter).name())

    threads = [threading.Thread(target=ask, args=(port,)) for port in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8
    assert len(set(names)) == 1
    assert names[0] != threading.current_thread().name


def test_what_is_loaded_ahead_is_built_in_order_while_the_caller_goes_on() -> None:
    builder, may_go_on = Builder(), threading.Event()
    built: list[str] = []

    def slow() -> Adapter:
        assert may_go_on.wait(10)
        built.append("orders")
        return Adapter()

    first = Later(builder, "orders", slow)
    second = Later(builder, "events", counted(built, "events"))
    first.load_ahead()
    second.load_ahead()
    assert built == []  # and this has not waited
    may_go_on.set()
    second.name()
    assert built == ["orders", "events"]


def test_two_that_stand_for_the_same_share_it() -> None:
    builder = Builder()
    built: list[str] = []
    for _ in range(2):
        Later(builder, "orders", counted(built, "orders")).name()
    assert built == ["orders"]


def test_who_calls_hears_what_went_wrong_and_the_next_call_tries_again() -> None:
    build = FailsOnce()
    later = Later(Builder(), "orders", build)
    with pytest.raises(OSError, match="no credentials yet"):
        later.name()
    assert later.name()
    assert build.attempts == 2


def test_what_failed_ahead_is_tried_again_when_it_is_needed() -> None:
    build = FailsOnce()
    builder = Builder()
    later = Later(builder, "orders", build)
    later.load_ahead()
    builder.get("something else", Adapter)  # built after it
    assert later.name()


def test_a_method_that_is_missing_is_missed() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        Later(Builder(), "orders", Adapter).nonsense()
