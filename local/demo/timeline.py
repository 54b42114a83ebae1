"""The live timeline of a demo: a table that changes on a terminal, lines elsewhere."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from local.demo.plan import Plan
from shared.domain.order import Order, StatusChange
from shared.ports import Clock


class Timeline:
    """Shows every change of status as it is seen, with the world's time."""

    def __init__(
        self, console: Console, plan: Plan, clock: Clock, after_look: Callable[[], object]
    ) -> None:
        self._console = console
        self._plan = plan
        self._clock = clock
        self._after_look = after_look
        self._shown: dict[str, tuple[StatusChange, ...]] = {}
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, orders: Mapping[str, Order]) -> None:
        """Show what is new in these orders."""
        self._after_look()
        if self._live is not None:
            self._live.update(self._table(orders), refresh=True)
        else:
            self._lines(orders)

    def _table(self, orders: Mapping[str, Order]) -> Table:
        table = Table(title=f"world time {self._clock.now():%a %d %b %H:%M} UTC")
        for heading in ("order", "mentee", "so far"):
            table.add_column(heading)
        for planned in self._plan.orders:
            order = orders.get(planned.id)
            so_far = " → ".join(change.status for change in order.history) if order else "…"
            table.add_row(planned.id, planned.story, so_far)
        return table

    def _lines(self, orders: Mapping[str, Order]) -> None:
        stories = {planned.id: planned.story for planned in self._plan.orders}
        for order in orders.values():
            for change in order.history[len(self._shown.get(order.id, ())) :]:
                reason = f" ({change.reason})" if change.reason else ""
                self._console.print(
                    f"{change.at:%a %H:%M:%S}  {order.id}  {change.status}{reason}"
                    f"  · {stories[order.id]}",
                    highlight=False,
                )
            self._shown[order.id] = order.history
