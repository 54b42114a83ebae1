"""The official emulators, started once, and what tests need on them."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud.firestore import Client

from local.emulators import Emulators, EmulatorsUnavailableError

_STARTED = pytest.StashKey[Emulators | EmulatorsUnavailableError]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Where pytest-xdist groups by this mark, one worker gets them all and the emulators are started
    # once; where it does not, each worker starts its own.
    for item in items:
        if item.get_closest_marker("emulator"):
            item.add_marker(pytest.mark.xdist_group("emulator"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    # Skipped here rather than in the fixture, so that all skips are reported as one line.
    if item.get_closest_marker("emulator"):
        _running_emulators(item.config)


@pytest.fixture(scope="session")
def emulators(request: pytest.FixtureRequest) -> Emulators:
    """Return the emulators. Without them tests are skipped, or fail if REQUIRE_EMULATORS is 1."""
    return _running_emulators(request.config)


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


def _running_emulators(config: pytest.Config) -> Emulators:
    if _STARTED not in config.stash:
        config.stash[_STARTED] = _start(config)
    started = config.stash[_STARTED]
    if isinstance(started, Emulators):
        return started
    if os.environ.get("REQUIRE_EMULATORS") == "1":
        pytest.fail(str(started), pytrace=False)
    pytest.skip(str(started).splitlines()[0])


def _start(config: pytest.Config) -> Emulators | EmulatorsUnavailableError:
    logs = tempfile.TemporaryDirectory(prefix="emulators-")
    config.add_cleanup(logs.cleanup)
    emulators = Emulators(Path(logs.name))
    try:
        emulators.start()
    except EmulatorsUnavailableError as error:
        return error
    config.add_cleanup(emulators.stop)
    return emulators
