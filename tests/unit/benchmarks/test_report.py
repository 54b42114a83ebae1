import json
import re
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from benchmarks.model import cost
from benchmarks.model.study import Row, row
from benchmarks.report import effort, page, plots
from benchmarks.report.blocks import Missing
from benchmarks.report.evidence import Evidence, EvidenceError, collect
from benchmarks.report.numbers import (
    LANGUAGES,
    compact,
    dollars,
    number,
    percent,
    rupiah,
    span,
    times,
)
from benchmarks.report.sections import WRITERS
from benchmarks.report.words import Text, say, words
from tests.simulation.faults import Fault
from tests.unit.benchmarks.worlds import DEPLOYED, PARAMETERS

KNOWN = effort.load()
DAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row(DEPLOYED, PARAMETERS, cost.load(), volume) for volume in (100, 2_000)]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> str:
    """Return the report of results of every kind."""
    return _report(collect(_results(tmp_path_factory.mktemp("results"), rows)))


@pytest.fixture(scope="module")
def void(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the report where nothing has been measured."""
    return _report(collect(tmp_path_factory.mktemp("results")))


def _results(folder: Path, rows: list[Row]) -> Path:
    figures = {"order_to_invoice": 0.012, "payment_to_room": 0.81, "throughput": 4.0}
    latest = {
        "model": {
            "forecast_error": 0.11,
            "forecast": figures,
            "measured": figures,
            "orders": 240,
            "rate": 4.0,
            "calibration": {},
        },
        "pipeline": {
            "embedded_orders_per_s": 9.5,
            "ratio": 1.4,
            "webhook_to_room_p95_ms_over_vendor": 61.0,
            "settings": {
                f"{system}, vendors {latency} ms, {at_once} at once": {
                    "orders_per_s": [at_once, at_once + 1],
                    "order_to_link_ms": {"p50": 12, "p95": 34, "p99": 56},
                    "webhook_to_room_ms": {"p50": 78, "p95": 910, "p99": 1234},
                }
                for system in ("embedded", "emulator", "dbos", "dbos_processes", "dbos_plain")
                for latency in (0, 200)
                for at_once in (1, 64)
            },
        },
        "cold_start": {
            "create_invoice": {"ratio": 1.2, "ms": 640.0, "rss_mb": 71},
            "send_digest": {"embedded": {"ratio": 1.3, "ms": 720.0, "rss_mb": 80}},
        },
        "machine": "2 cores",
        "date": "2026-11-24",
    }
    files = {
        "latest": latest,
        "model": msgspec.to_builtins(rows),
        "simulation": {
            "seeds": 400, "orders": 1600, "mails": 7300, "violations": 0,
            "faults": {str(fault): 10 for fault in Fault}, "pairs_reached": 150, "pairs": 155,
        },
        "chaos": {
            "orders": [], "violations": [], "faults": {"webhook_dropped": 79},
            "kills": {"create_invoice/worker": 451}, "settle_s": 3,
            "summary": {"orders": 1000, "scheduled": 660, "duration_s": 500.0},
        },
        "burst": {
            "orders": 2000, "invoiced": 2000, "duration_s": 54.0, "refused_by_rate_limit": 816,
            "most_deliveries_of_one": 3, "given_up": 0,
        },
        "tasks": [{"task": "pay", "seconds": 4.2, "steps": 5}],
    }  # fmt: skip
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    columns = ",".join(f"q{item}" for item in range(1, 11))
    (folder / "sus.csv").write_text(f"{columns}\n{'4,2,' * 4}4,2\n{'5,1,' * 4}5,2\n")
    return folder


def _report(evidence: Evidence) -> str:
    return page.report(evidence, KNOWN, DAY)


class _Checker(HTMLParser):
    """Checks that every element is closed in turn, and collects ids and texts by language."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str | None]] = []
        self.ids: Counter[str] = Counter()
        self.texts: dict[str | None, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if known.get("id"):
            self.ids[str(known["id"])] += 1
        if tag not in {"meta", "input"}:
            self.open.append((tag, known.get("lang") if tag != "html" else None))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in {"meta", "input"}:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self.open.pop()
        assert opened == tag

    def handle_data(self, data: str) -> None:
        language = next((lang for _, lang in reversed(self.open) if lang), None)
        if data.strip():
            self.texts.setdefault(language, []).append(data.strip())


def _checked(html: str) -> _Checker:
    checker = _Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return checker


def test_a_report_with_everything_is_whole(full: str) -> None:
    checker = _checked(full)
    assert not [name for name, times in checker.ids.items() if times > 1]
    assert "missing" not in full.split("</style>")[1]


def test_a_report_without_anything_says_so_and_how_to_get_it(void: str) -> None:
    _checked(void)
    for command in ("make bench", "python -m benchmarks.model", "make evaluate", "sus.csv"):
        assert command in void
    assert void.count('class="missing"') >= 7


def test_nobody_answers_where_nobody_has_answered(tmp_path: Path) -> None:
    (experience,) = (
        section
        for section in (write(collect(tmp_path), KNOWN) for write in WRITERS)
        if section.name == "experience"
    )
    assert experience.headline is None
    assert isinstance(experience.blocks[0], Missing)


def test_both_languages_are_there_and_as_long(full: str) -> None:
    checker = _checked(full)
    indonesian, english = checker.texts["id"], checker.texts["en"]
    assert len(indonesian) == len(english)
    assert "Keandalan" in indonesian
    assert "Reliability" in english


def test_every_word_is_in_both_languages_with_the_same_figures() -> None:
    for key, text in words().items():
        assert text.id.strip(), key
        assert text.en.strip(), key
        places = [sorted(re.findall(r"{(\w+)}", one)) for one in (text.id, text.en)]
        assert places[0] == places[1], key


def test_every_fault_and_resource_has_its_words(rows: list[Row]) -> None:
    assert {f"fault.{fault}" for fault in Fault} <= set(words())
    assert {f"resource.{one.name}" for one in rows[0].resources} <= set(words())


def test_nothing_is_loaded_from_elsewhere(full: str, void: str) -> None:
    for html in (full, void, page.sus_form()):
        loads = re.findall(r"""(?:src|href)=["']([^"']+)""", html)
        loads += re.findall(r"url\(([^)]+)\)", html)
        assert all(target.startswith("#") for target in loads)
        assert "://" not in html
        assert "@import" not in html
        assert "<script" not in html


def test_references_within_drawings_lead_somewhere(full: str) -> None:
    ids = set(_checked(full).ids)
    targets = re.findall(r'(?:href="|url\()#([^")]+)', full)
    assert targets
    assert set(targets) <= ids


def test_the_questionnaire_has_ten_items_in_both_languages() -> None:
    checker = _checked(page.sus_form())
    for language in ("id", "en"):
        items = [text for text in checker.texts[language] if re.match(r"\d+\. ", text)]
        assert len(items) == 10
    assert "1. Saya berpikir akan menggunakan sistem ini lagi." in checker.texts["id"]


def test_figures_are_written_as_each_language_does() -> None:
    assert (number(1234.5, 1)("id"), number(1234.5, 1)("en")) == ("1.234,5", "1,234.5")
    assert (percent(0.125, 1)("id"), percent(0.125, 1)("en")) == ("12,5%", "12.5%")
    assert rupiah(1_250_000)("id") == "Rp1.250.000"
    assert (rupiah(-5000)("id"), rupiah(-1)("id")) == ("-Rp5.000", "Rp0")
    assert (compact(100_000)("id"), compact(100_000)("en")) == ("100\u00a0rb", "100K")
    assert (times(43.25)("id"), times(4.325)("id"), times(0.5)("en")) == (
        "43\u00d7",
        "4,3\u00d7",
        "0.50\u00d7",
    )
    assert dollars(0.0000336, 7)("id") == "US$0,0000336"


@pytest.mark.parametrize(
    ("seconds", "indonesian", "english"),
    [
        (0.0124, "12 ms", "12 ms"),
        (4.25, "4,2 detik", "4.2 s"),
        (900, "15 menit", "15 min"),
        (30_240, "8,4 jam", "8.4 h"),
        (864_000, "10 hari", "10 days"),
    ],
)
def test_durations_are_in_the_unit_that_fits(seconds: float, indonesian: str, english: str) -> None:
    written = [span(seconds)(language).replace("\u00a0", " ") for language in LANGUAGES]
    assert written == [indonesian, english]


def test_what_strangers_wrote_cannot_become_markup() -> None:
    tasks = [{"task": "<script>alert(1)</script>", "seconds": 1.0, "steps": 1}]
    evidence = msgspec.convert({"tasks": tasks}, Evidence)
    assert "<script" not in _report(evidence)


def test_a_broken_promise_is_shown_as_one() -> None:
    simulation = {
        "seeds": 1, "orders": 4, "mails": 9, "violations": 2,
        "faults": {"rate limit": 1}, "pairs_reached": 1, "pairs": 155,
    }  # fmt: skip
    html = _report(msgspec.convert({"simulation": simulation}, Evidence))
    assert '<a href="#reliability" class="bad">' in html
    assert say("reliability.bound", orders=number(4), bound=percent(0.75, 3)).en not in html


@pytest.mark.parametrize(
    ("name", "content"),
    [("tasks.json", '[{"task": 1}]'), ("latest.json", '{"cold_start": {"send_digest": {}}}')],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(EvidenceError, match=re.escape(name)):
        collect(tmp_path)


def test_the_slowest_start_is_told_of_wherever_it_was_measured(full: str) -> None:
    assert "720\u00a0ms" in full


def test_every_load_is_told_of(full: str) -> None:
    english = _checked(full).texts["en"]
    assert english.count("78\u00a0ms\u00a0/ 910\u00a0ms\u00a0/ 1.2\u00a0s") == 20
    assert english.count("64.5") == 10
    assert say("system.emulator").en in english


def test_a_target_that_is_missed_is_told_as_that(full: str) -> None:
    checker = _checked(full)
    name = "Cold start, times that of the same imports (send_digest)"
    assert name in checker.texts["en"]
    said = [text for text in checker.texts["en"] if text in {"yes", "no"}]
    assert said == ["no", "yes", "yes", "yes"]


def test_a_drawing_is_in_both_languages() -> None:
    svg = plots.bars([Text("satu", "one")], [1234.0], label=Text("kali", "times"))
    assert "satu" in svg.id
    assert "1.234" in svg.id
    assert "one" in svg.en
    assert "1,234" in svg.en


def test_lines_have_whole_numbers_beside_them() -> None:
    none = Text("", "")
    ours = Text("kita", "ours")
    svg = plots.lines([(ours, {1: 3.2, 64: 17.9}, plots.ACCENT)], across=none, up=none)
    beside = [int(text) for text in re.findall(r">(\d+)</text>", svg.en)]
    steps = {b - a for a, b in pairwise(beside[2:])}
    assert (beside[:2], len(steps)) == ([1, 64], 1)


def test_a_logarithmic_scale_is_marked_in_short() -> None:
    none = Text("", "")
    svg = plots.bars([none, none], [230.0, 960_000.0], label=none, log=True)
    assert ("1\u00a0jt" in svg.id, "1M" in svg.en) == (True, True)
    assert "960.000" in svg.id
