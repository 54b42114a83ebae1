"""The examples for the web app's developers do publish the order, with whatever they are written in."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.pubsub_v1 import PublisherClient, SubscriberClient

from local.contracts.files import FOLDER
from local.contracts.samples import CONTRACTS
from shared import messages
from shared.domain.events import OrderCreated
from shared.messages import PushedMessage

EXAMPLES = FOLDER / "examples"
(ORDER,) = (contract for contract in CONTRACTS if contract.by_web_app)
_RUN_TIMEOUT_S = 90


@pytest.fixture
def orders(project: str) -> Iterator[SubscriberClient]:
    """Return a client for a subscription, named orders, on the project's topic of orders."""
    topic = f"projects/{project}/topics/order.created"
    with PublisherClient() as publisher, SubscriberClient() as subscriber:
        publisher.create_topic(name=topic)
        subscriber.create_subscription(name=_subscription(project), topic=topic)
        yield subscriber


def _subscription(project: str) -> str:
    return f"projects/{project}/subscriptions/orders"


def run(*command: str, folder: Path | None = None) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(  # noqa: S603 - our own examples
        command, cwd=folder, capture_output=True, text=True, timeout=_RUN_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def received(orders: SubscriberClient, project: str) -> PushedMessage:
    """Return the one message that was published."""
    pulled = orders.pull(subscription=_subscription(project), max_messages=10, timeout=30)
    (only,) = pulled.received_messages
    return PushedMessage(
        id=only.message.message_id,
        data=only.message.data,
        attributes=dict(only.message.attributes),
        subscription="",
        delivery_attempt=None,
    )


@pytest.mark.emulator
@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "publish_order.py"),
        ("bash", "publish_order_curl.sh"),
        ("bash", "publish_order_gcloud.sh"),
    ],
    ids=["python", "curl", "gcloud"],
)
def test_an_example_publishes_the_order(
    command: tuple[str, str], project: str, orders: SubscriberClient
) -> None:
    said = run(*command, project, folder=EXAMPLES)
    message = received(orders, project)
    assert messages.decode(message, OrderCreated) == ORDER.event
    assert message.id in said


@pytest.mark.emulator
@pytest.mark.node
def test_the_node_example_publishes_the_order(
    project: str, orders: SubscriberClient, node_folder: Path, tmp_path: Path
) -> None:
    # Where the example is, its package is not installed.
    for name in ("publish_order.mjs", "order.created.v1.json"):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    (tmp_path / "node_modules").symlink_to(node_folder / "node_modules")
    said = run("node", "publish_order.mjs", project, folder=tmp_path)
    message = received(orders, project)
    assert messages.decode(message, OrderCreated) == ORDER.event
    assert said.strip() == message.id


@pytest.mark.parametrize("name", ["publish_order_curl.sh", "publish_order_gcloud.sh"])
def test_a_shell_example_parses(name: str) -> None:
    run("bash", "-n", str(EXAMPLES / name))


@pytest.mark.skipif(shutil.which("node") is None, reason="not installed: node")
def test_the_node_example_parses() -> None:
    run("node", "--check", str(EXAMPLES / "publish_order.mjs"))


def test_the_examples_publish_a_valid_order() -> None:
    said = json.loads((EXAMPLES / "order.created.v1.json").read_text())
    assert said == ORDER.example
