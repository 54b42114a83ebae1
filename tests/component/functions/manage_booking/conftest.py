from collections.abc import Iterator

import pytest

from tests.component.functions.manage_booking.site import Site, running


@pytest.fixture(scope="package")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("manage_booking")) as started:
        yield started


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """Return the pages, with no order behind them."""
    running_site.clear()
    yield running_site
    assert "unforeseen error" not in running_site.logs
