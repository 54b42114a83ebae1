"""The tables of docs/performance.md are those of the results."""

from typing import Any

import pytest

from benchmarks import document
from benchmarks.__main__ import NAMES
from benchmarks.model import latest

COUNTED = {"reads": 3, "writes": 2, "messages": 1, "pushed": 1, "vendor_calls": 1, "deletes": 0}
OURS = {"ms": 12.0, "floor_ms": 10.0, "ratio": 1.2, "cpu_ratio": 1.1, "rss_mb": 80.5}
SPREAD = {"pair_quartiles": [1.1, 1.2, 1.4]}
LASTS = {"p50": 10, "p95": 20, "p99": 30}
SEEN = {
    "orders_per_s": [8.0, 9.5],
    "order_to_link_ms": LASTS,
    "webhook_to_room_ms": {"p50": 11, "p95": 21, "p99": 31},
}


def rows(name: str, figures: Any) -> list[str]:
    """Return the rows of one table below its head."""
    text = document.rewritten(f"before\n<!-- {name} -->\nold\n<!-- end -->\nafter", {name: figures})
    lines = text.splitlines()
    assert (lines[:2], lines[-2:]) == (
        ["before", f"<!-- {name} -->"],
        ["<!-- end -->", "after"],
    )
    assert len({line.count("|") for line in lines[2:-2]}) == 1
    return lines[4:-2]


def test_the_document_has_the_figures_of_the_results() -> None:
    text = document.PATH.read_text(encoding="utf-8")
    assert document.rewritten(text, latest.read()) == text
    assert all(f"<!-- {name} -->" in text for name in [*NAMES, "machine", "targets", "compared"])


def test_other_figures_are_another_document() -> None:
    text = document.PATH.read_text(encoding="utf-8")
    known = latest.read()
    known["cold_start"]["close_order"]["ratio"] = 9.876
    assert "9.876" in document.rewritten(text, known)


def test_operations_stand_by_how_near_they_are_to_the_least() -> None:
    paths = {
        "far": COUNTED | {"ratio": 1.333, "minimum": COUNTED | {"reads": 1}},
        "near": COUNTED | {"ratio": 1.0, "minimum": COUNTED},
    }
    assert rows("operations", paths) == [
        "| near | 3 | 2 | 1 | 1 | 1 | 8 | 8 | 1.0 |",
        "| far | 3 | 2 | 1 | 1 | 1 | 8 | 6 | 1.333 |",
    ]


def test_ticks_stand_by_how_many_orders_are_stored() -> None:
    times = {"10000": 2.5, "1000": 1.5}
    figures = {
        "median_ms": {"reminder": times, "reconcile": times},
        "store_bytes_per_order": {"10000": 5000, "1000": 3000},
    }
    assert rows("ticks", figures) == [
        "| 1000 | 1.5 ms | 1.5 ms | 3000 bytes |",
        "| 10000 | 2.5 ms | 2.5 ms | 5000 bytes |",
    ]


def test_what_was_not_measured_is_a_dash() -> None:
    assert rows("cold_start", {"f": {"embedded": OURS}}) == [
        "| `f` | - | - | - | - | - | - | 1.2 | 1.1 |"
    ]


def test_cold_starts_have_their_spread() -> None:
    interval = {"ratio_interval": [1.15, 1.3]}
    assert rows("cold_start", {"f": OURS | interval | {"embedded": OURS}}) == [
        "| `f` | 12.0 | 10.0 | 1.2 | 1.15 to 1.3 | 1.1 | 80.5 | 1.2 | 1.1 |"
    ]


def test_a_page_stands_beside_its_form() -> None:
    page = OURS | SPREAD | {"ratio": 1.5, "embedded": OURS}
    assert rows("cpu_per_event", {"f": OURS | SPREAD | {"embedded": OURS, "page": page}}) == [
        "| `f`, a form | 12.0 | 10.0 | 1.2 | 1.1 to 1.4 | 12.0 | 10.0 | 1.2 |",
        "| `f`, a page | 12.0 | 10.0 | 1.5 | 1.1 to 1.4 | 12.0 | 10.0 | 1.2 |",
    ]


def test_numbers_of_threads_stand_side_by_side() -> None:
    seen = {"requests_per_s": 4.5, "share": 0.731, "p95_ms_over_vendor": 83, "rss_mb": 80.0}
    levels = {"16": seen | {"requests_per_s": 52.3}, "4": seen}
    assert rows("concurrency", {"f": levels}) == [
        "| `f` | 4.5 (73 %), 83 ms | 52.3 (73 %), 83 ms |"
    ]


def test_systems_stand_together_in_each_setting() -> None:
    names = [
        "ours, vendors 0 ms, 64 at once",
        "peer, vendors 0 ms, 8 at once",
        "ours, vendors 0 ms, 8 at once",
    ]
    figures = {"settings": dict.fromkeys(names, SEEN)}
    assert rows("pipeline", figures) == [
        f"| 0 ms | {at_once} | `{system}` | 8.0 and 9.5 | 10 / 20 / 30 | 11 / 21 / 31 |"
        for at_once, system in ((8, "ours"), (8, "peer"), (64, "ours"))
    ]


def test_the_forecast_stands_beside_what_was_measured() -> None:
    figures = {"order_to_invoice": 0.012, "payment_to_room": 0.8, "throughput": 9.0}
    errors = {"order_to_invoice": 0.05, "payment_to_room": 0.012, "throughput": 0.0}
    check = {"forecast": figures, "measured": figures | {"throughput": 9.02}, "errors": errors}
    assert rows("model", check) == [
        "| order to invoice, median, ms | 12 | 12 | 5.0 % |",
        "| payment to room, median, ms | 800 | 800 | 1.2 % |",
        "| rooms a second | 9 | 9.02 | 0.0 % |",
    ]


def test_ours_is_told_as_times_its_peers() -> None:
    compared = {
        "ratio": 1.4, "ratio_of_each_round": [1.6, 1.2], "ratio_to_dbos_processes": 1.7,
        "ratio_to_dbos_plain": 0.8, "webhook_to_room_p95_ms_over_vendor": 97,
    }  # fmt: skip
    text = document.rewritten("<!-- compared -->\n<!-- end -->", {"pipeline": compared})
    figures = [line.rpartition(" | ")[2] for line in text.splitlines()[3:-1]]
    assert figures == ["1.4 |", "1.6 to 1.2 |", "1.7 |", "0.8 |", "97 |", "- |"]


def test_targets_stand_with_their_limits() -> None:
    text = document.rewritten("<!-- targets -->\n<!-- end -->", {"cold_start": {"f": OURS}})
    assert text.splitlines()[3:-1] == [
        "| Cold start, times that of the same imports (f) | at most 1.15 | 1.2 | **missed** |"
    ]


def test_a_table_that_nobody_writes_is_an_error() -> None:
    with pytest.raises(KeyError, match="weather"):
        document.rewritten("<!-- weather -->\n<!-- end -->", {"weather": 1})
