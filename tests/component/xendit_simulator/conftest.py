from collections.abc import AsyncIterator, Iterator

import pytest

from tests.component.xendit_simulator.bench import (
    NOWHERE,
    Merchant,
    World,
    Xendit,
    running,
)
from tests.vendors import served


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    merchant = Merchant()
    with served(merchant.app) as base:
        merchant.url = f"{base}/webhook"
        yield merchant


@pytest.fixture
async def xendit(world: World) -> AsyncIterator[Xendit]:
    """Run the simulator with nobody to receive its webhooks."""
    async with running(world, NOWHERE) as xendit:
        yield xendit


@pytest.fixture
async def connected(world: World, merchant: Merchant) -> AsyncIterator[Xendit]:
    """Run the simulator with the merchant's server to receive its webhooks."""
    async with running(world, merchant.url) as xendit:
        yield xendit
