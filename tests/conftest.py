"""Fixtures of several kinds of test: above all the official emulators, started once."""

import os
import uuid
from collections.abc import Iterator

import pytest
from google.cloud.firestore import Client

from local.emulators import Emulators, EmulatorsUnavailableError


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # With `-n 2 --dist loadgroup` one worker gets them all, so the emulators are started once.
    for item in items:
        if item.get_closest_marker("emulator"):
            item.add_marker(pytest.mark.xdist_group("emulator"))


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    """Start the emulators. Without them tests are skipped, or fail if REQUIRE_EMULATORS is 1."""
    running = Emulators(tmp_path_factory.mktemp("emulators"))
    try:
        running.start()
    except EmulatorsUnavailableError as error:
        if os.environ.get("REQUIRE_EMULATORS") == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error).splitlines()[0])
    yield running
    running.stop()


@pytest.fixture
def project(emulators: Emulators) -> str:
    """Return a project of the test's own, and so an empty database and no topics."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def firestore_client(project: str) -> Iterator[Client]:
    """Return a client of the emulator's database of that project."""
    client = Client(project=project)
    yield client
    client._firestore_api.transport.close()
