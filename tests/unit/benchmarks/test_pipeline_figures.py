"""What the runs of the pipeline's benchmark come to."""

from benchmarks.pipeline.figures import BUSIEST, Runs, figures
from benchmarks.pipeline.load import Run

WARM = (0.2, 8)


def run(orders: int, duration_s: float, *, room_s: tuple[float, ...] = (0.5,)) -> Run:
    return Run(orders, duration_s, mails=4 * orders, link_s=(0.1, 0.3, 0.2), room_s=room_s)


def compared() -> Runs:
    """Return two rounds of each system: ours at 10 and 12 orders a second, its peer at 5."""
    return {
        ("embedded", *BUSIEST): [run(100, 10.0), run(120, 10.0)],
        ("embedded", *WARM): [run(50, 10.0, room_s=(0.45, 0.41)), run(50, 10.0, room_s=(0.43,))],
        ("dbos", *BUSIEST): [run(50, 10.0), run(50, 10.0)],
        ("dbos_processes", *BUSIEST): [run(100, 10.0)],
        ("dbos_plain", *BUSIEST): [run(220, 10.0)],
    }


def test_ours_is_compared_with_each_peer() -> None:
    found = figures(compared())
    assert (found["embedded_orders_per_s"], found["dbos_orders_per_s"]) == (11.0, 5.0)
    assert found["ratio"] == 2.2
    assert found["ratio_of_each_round"] == [2.0, 2.4]
    assert found["ratio_to_dbos_processes"] == 1.1
    assert found["ratio_to_dbos_plain"] == 0.5


def test_what_the_vendors_take_is_not_ours() -> None:
    assert figures(compared())["webhook_to_room_p95_ms_over_vendor"] == 48


def test_a_setting_has_all_of_its_rounds() -> None:
    seen = figures(compared())["settings"]["embedded, vendors 200 ms, 8 at once"]
    assert seen == {
        "orders_per_s": [5.0, 5.0],
        "mails_per_order": 4.0,
        "order_to_link_ms": {"p50": 200, "p95": 300, "p99": 300},
        "webhook_to_room_ms": {"p50": 430, "p95": 448, "p99": 450},
    }


def test_there_are_figures_of_the_emulators_where_it_was_measured_on_them() -> None:
    assert not any("emulator" in name for name in figures(compared()))
    emulated: Runs = {
        ("emulator", *BUSIEST): [run(80, 10.0)],
        ("emulator", *WARM): [run(20, 10.0, room_s=(0.6,))],
    }
    found = figures(compared() | emulated)
    assert found["emulator_orders_per_s"] == 8.0
    assert found["emulator_webhook_to_room_p95_ms_over_vendor"] == 200
    assert "emulator, vendors 200 ms, 8 at once" in found["settings"]
