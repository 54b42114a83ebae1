"""What each function loads, exactly: by the time that it is imported, and by its first answer.

The first answer is to a real message, with the vendors' simulators behind it. Flask always brings
jinja2 along.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.cold_start.modules import loaded, third_party
from benchmarks.scene import NAMES, Scene, scene
from local.staging import stage

# functions-framework with Flask, and msgspec.
EVERYWHERE = {
    "blinker",
    "click",
    "cloudevents",
    "deprecation",
    "flask",
    "functions_framework",
    "google",
    "itsdangerous",
    "jinja2",
    "markupsafe",
    "msgspec",
    "packaging",
    "typing_extensions",
    "werkzeug",
}
AT_IMPORT = {"send_notification": {"babel", "pytz"}}
XENDIT = {"dateutil", "urllib3", "xendit"}
GOOGLE = {
    "_cffi_backend",
    "_openssl",
    "certifi",
    "cryptography",
    "google_auth_httplib2",
    "googleapiclient",
    "httplib2",
    "pyparsing",
    "uritemplate",
}
FOR_THE_ANSWER = {
    "create_invoice": XENDIT,
    "payment_callback": XENDIT,
    "create_meeting": GOOGLE,
    "send_notification": GOOGLE,
    "reconcile_orders": XENDIT | GOOGLE,
}
# Below packages that are there anyway.
NEVER_ON_EMBEDDED = ("google.cloud.firestore", "google.cloud.pubsub", "grpc", "opentelemetry")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("ceilings")) as world:
        yield world


def packages(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in third_party(modules)}


@pytest.mark.parametrize("name", NAMES)
def test_a_function_loads_only_what_its_work_needs(name: str, world: Scene, tmp_path: Path) -> None:
    seen = loaded(name, stage(name, tmp_path / name), world.config, world.request(name))
    assert seen.status in {200, 204}
    at_import = EVERYWHERE | AT_IMPORT.get(name, set())
    assert packages(seen.imported) == at_import
    assert packages(seen.answered) == at_import | FOR_THE_ANSWER.get(name, set())
    assert [m for m in seen.answered if m.startswith(NEVER_ON_EMBEDDED)] == []
