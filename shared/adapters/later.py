"""Adapters that are built when they are first called, or shortly before.

Loading a vendor's client takes longer than most steps, and a step waits for others in between: so
what it will need next is loaded meanwhile, and what it does not need is not loaded at all.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Builder:
    """Builds each of a process's adapters once, one after the other.

    All of it happens in one thread: modules that are loaded by several at once may see each other
    half loaded.
    """

    def __init__(self) -> None:
        # Its thread starts with the first task, so not before the server has made its workers.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="builder")
        self._tasks: dict[str, Future[Any]] = {}
        self._lock = Lock()

    def start(self, name: str, build: Callable[[], Any]) -> "Future[Any]":
        """Have it built, unless it is already, after all that was asked for before."""
        with self._lock:
            task = self._tasks.get(name)
            if task is None or _failed(task):
                task = self._tasks[name] = self._thread.submit(build)
            return task

    def get(self, name: str, build: Callable[[], T]) -> T:
        """Return what was built; raises what building it raised, and another call tries again."""
        return cast("T", self.start(name, build).result())


class Later:
    """Stands for an adapter, which is built when a method of it is first asked for."""

    def __init__(self, builder: Builder, name: str, build: Callable[[], Any]) -> None:
        self._builder = builder
        self._name = name
        self._build = build

    def load_ahead(self) -> None:
        """Let it be built in the background."""
        self._builder.start(self._name, self._build)

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._builder.get(self._name, self._build), method)
        # Next time it is found here, and this is not called.
        self.__dict__[method] = found
        return found


def _failed(task: "Future[Any]") -> bool:
    return task.done() and task.exception() is not None
