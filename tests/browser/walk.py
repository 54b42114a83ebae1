"""Somebody with a phone, who reads, taps and types."""

import os
import time
from pathlib import Path
from typing import TypedDict

from playwright.sync_api import Page


class Task(TypedDict):
    """How long a task took from the opening of its link, in seconds, and in how many steps."""

    task: str
    seconds: float
    steps: int


class Walk:
    """Counts what has to be done to come to an end: opening, tapping, typing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._steps = 0
        self._began = 0.0

    def open(self, url: str) -> None:
        """Open a link of a message."""
        self._steps, self._began = 1, time.monotonic()
        self.page.goto(url)

    def tap(self, label: str) -> None:
        """Tap the button of this label, be it a link or of a form."""
        self._steps += 1
        found = self.page.get_by_role("button", name=label, exact=True)
        (found if found.count() else self.page.get_by_role("link", name=label, exact=True)).click()

    def write(self, label: str, text: str) -> None:
        """Fill in a field."""
        self._steps += 1
        self.page.get_by_label(label).fill(text)

    def choose(self, value: str) -> None:
        """Choose one of several."""
        self._steps += 1
        self.page.locator(f'input[type=radio][value="{value}"]').check()

    def finished(self, task: str) -> Task:
        """Return what the task took."""
        seconds = round(time.monotonic() - self._began, 2)
        return Task(task=task, seconds=seconds, steps=self._steps)

    @property
    def heading(self) -> str:
        """The page's one heading of the first level."""
        return self.page.locator("h1").inner_text()

    @property
    def text(self) -> str:
        """All that can be read on the page."""
        return self.page.locator("body").inner_text()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page in the folder that SCREENSHOTS names, if it names one."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
