from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.functions.bench import Functions, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # With `-n 2 --dist loadgroup` one worker gets them all, so the functions are started once.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("functions"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Functions]:
    """Serve all functions, once for all tests."""
    with running(tmp_path_factory.mktemp("functions")) as functions:
        yield functions
        # Whatever came in, no function met an error that it has no answer for.
        assert "Traceback" not in functions.logs


@pytest.fixture
def functions(served: Functions) -> Functions:
    """Return the functions with nothing on the queue and no requests counted."""
    served.published()
    served.xendit.requests.clear()
    served.google.requests.clear()
    served.whatsapp.requests.clear()
    return served
