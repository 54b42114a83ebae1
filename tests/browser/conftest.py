"""A browser, the pages that it opens, and who sits in front of it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from local.config import HOST
from local.ports import free_ports
from local.staging import stage
from tests.bookings import Bookings
from tests.browser.walk import Task, Walk
from tests.component.functions.bench import await_answer, command, environment

_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PHONE = (390, 844)


# First, since pytest-xdist reads the marks in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # With `-n 2 --dist loadgroup` one worker gets them all, so the browser is started once.
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    # Skipped here rather than in the fixture, so that all skips are reported as one line.
    if item.get_closest_marker("browser") and _chromium() is None:
        missing = "not installed: chromium. It comes as Debian's package chromium."
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)


# Playwright's loop runs on in this thread until it is stopped, and no other test could start one:
# so it is stopped with the last test of this package.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=_chromium(), args=[*_QUIET])
    yield launched
    launched.close()


@pytest.fixture(scope="package")
def bookings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bookings]:
    """Serve manage_booking as production does, and return what it works on."""
    folder = tmp_path_factory.mktemp("pages")
    (port,) = free_ports(1)
    booked = Bookings(folder, f"http://{HOST}:{port}")
    with (folder / "manage_booking.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command("manage_booking", port),
            cwd=stage("manage_booking", folder / "staged"),
            env=environment(booked.settings),
            stdout=log,
            stderr=log,
        )
        try:
            await_answer(booked.base_url)
            yield booked
        finally:
            process.terminate()
            process.wait(10)
            booked.close()
    printed = (folder / "manage_booking.log").read_text()
    assert "Traceback" not in printed
    assert "token=" not in printed


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """Return a page of a phone's size on which no script runs."""
    yield from _opened(browser, javascript=False)


@pytest.fixture
def scripted(browser: Browser) -> Iterator[Page]:
    """Return a page of a phone's size on which the tests' own scripts run."""
    yield from _opened(browser, javascript=True)


@pytest.fixture
def walk(phone: Page) -> Walk:
    """Return somebody who walks through the pages on a phone."""
    return Walk(phone)


@pytest.fixture(scope="package")
def tasks() -> Iterator[list[Task]]:
    """Return where finished tasks go; one process writes them to the file that TASKS_JSON names."""
    done: list[Task] = []
    yield done
    named = os.environ.get("TASKS_JSON")
    if named:
        Path(named).write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")


def _opened(browser: Browser, *, javascript: bool) -> Iterator[Page]:
    width, height = PHONE
    context = browser.new_context(
        viewport={"width": width, "height": height}, java_script_enabled=javascript, has_touch=True
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()
    # As what a content security policy forbids. A page that refuses something is no error.
    assert [line for line in said if "the server responded with a status" not in line] == []


def _chromium() -> str | None:
    return shutil.which("chromium")
