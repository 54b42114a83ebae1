"""Six hundred requests that nobody should send, to all functions, as production serves them."""

from collections.abc import Iterator

import pytest

from local.topology import FUNCTIONS
from tests.component.functions.bench import running
from tests.fuzz.campaign import Campaign, Report
from tests.fuzz.pushes import PUSHED

pytestmark = pytest.mark.xdist_group("fuzz")
REQUESTS = 600
SEED = 1


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    with running(tmp_path_factory.mktemp("fuzz")) as functions:
        yield Campaign(functions, SEED).run(range(REQUESTS))


def test_whatever_comes_nothing_breaks(report: Report) -> None:
    told = [
        f"{failure.what}: {failure.answer} to requests {[r.number for r in failure.requests]}"
        for failure in report.failures
    ]
    assert told == []


def test_every_push_is_handled_kept_or_comes_again(report: Report) -> None:
    assert report.pushes["unclear"] == 0
    assert report.pushes.total() == sum(report.entries[function.name] for function in PUSHED)
    assert min(report.pushes[fate] for fate in ("handled", "kept", "to come again")) > 0


def test_every_entry_point_was_tried(report: Report) -> None:
    assert report.sent == REQUESTS
    assert set(report.entries) == {function.name for function in FUNCTIONS}


def test_true_links_and_signed_statuses_are_followed(report: Report) -> None:
    assert min(report.done[name] for name in ("manage_booking", "track_delivery")) > 0
