"""Every page, in both languages, as axe-core judges it, and as it fits on small phones."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from shared.domain.notifications import Recipient
from shared.domain.order import MoneyBackState, Order
from shared.domain.people import Locale
from shared.links import Purpose
from tests.bookings import Bookings
from tests.browser.conftest import PHONE
from tests.browser.walk import picture
from tests.builders import (
    asked_order,
    declined_order,
    invoiced_order,
    mentee,
    mentor,
    refunding_order,
    scheduled_order,
)

pytestmark = pytest.mark.browser

# What no name of today has, and some name will.
LONG = "Raden Ajeng Sitinurhalizahwulandariningsihkusumawardhanisuryaningrat " * 2
SMALLEST = 320
Build = Callable[..., Order]
PAGES: dict[str, tuple[Build, Purpose, Recipient]] = {
    "accept": (asked_order, Purpose.ACCEPT, Recipient.MENTOR),
    "decline": (scheduled_order, Purpose.DECLINE, Recipient.MENTOR),
    "reschedule": (declined_order, Purpose.RESCHEDULE, Recipient.MENTEE),
    "cancel": (scheduled_order, Purpose.CANCEL, Recipient.MENTEE),
    "manage-invoiced": (invoiced_order, Purpose.MANAGE, Recipient.MENTEE),
    "manage-scheduled": (scheduled_order, Purpose.MANAGE, Recipient.MENTEE),
    "manage-scheduled-mentor": (scheduled_order, Purpose.MANAGE, Recipient.MENTOR),
    "manage-declined": (declined_order, Purpose.MANAGE, Recipient.MENTEE),
    "refused": (asked_order, Purpose.PAYOUT_ACCOUNT, Recipient.MENTEE),
}


def opened(bookings: Bookings, page: Page, name: str, locale: Locale) -> None:
    build, purpose, recipient = PAGES[name]
    people = {"mentee": mentee(locale=locale, name=LONG), "mentor": mentor(locale=locale)}
    page.goto(bookings.url(purpose, bookings.put(build(**people)), recipient))


def serious(page: Page) -> list[tuple[Any, ...]]:
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], each["impact"], [node["html"] for node in each["nodes"]])
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


def too_wide(page: Page) -> list[str]:
    """Return the elements that reach past the right edge of the window."""
    script = """() => [...document.querySelectorAll('body *')]
        .filter(e => !e.classList.contains('skip'))
        .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
        .map(e => e.outerHTML.slice(0, 100))"""
    found: list[str] = page.evaluate(script)
    return found


def too_small(page: Page) -> list[str]:
    """Return what is to be tapped and is less than 44 px high."""
    script = """() => [...document.querySelectorAll('a:not(.skip), button, input[type=text], textarea, summary, label:has(input)')]
        .filter(e => e.getBoundingClientRect().height > 0 && e.getBoundingClientRect().height < 44)
        .map(e => e.outerHTML.slice(0, 100))"""
    found: list[str] = page.evaluate(script)
    return found


def check(page: Page, name: str) -> None:
    assert serious(page) == []
    assert page.locator("h1").count() == 1
    for width in (SMALLEST, PHONE[0]):
        page.set_viewport_size({"width": width, "height": PHONE[1]})
        assert too_wide(page) == []
        assert too_small(page) == []
        picture(page, f"{name}-{width}")


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used_by_everybody(
    name: str, locale: Locale, bookings: Bookings, scripted: Page
) -> None:
    opened(bookings, scripted, name, locale)
    assert scripted.locator("html").get_attribute("lang") == locale
    check(scripted, f"axe-{name}-{locale}")


@pytest.mark.parametrize("locale", ["id", "en"])
def test_a_form_with_something_to_correct_can_be_used_by_everybody(
    locale: Locale, bookings: Bookings, scripted: Page
) -> None:
    wanted = refunding_order(MoneyBackState.ACCOUNT_WANTED)
    order = bookings.put(msgspec.structs.replace(wanted, mentee=mentee(locale=locale)))
    scripted.goto(bookings.url(Purpose.PAYOUT_ACCOUNT, order))
    check(scripted, f"axe-account-{locale}")
    scripted.get_by_role("button").click()
    assert scripted.locator("[aria-invalid=true]").count() == 3
    check(scripted, f"axe-account-wrong-{locale}")


def test_a_link_that_is_not_ours_is_explained_in_both_languages(
    bookings: Bookings, scripted: Page
) -> None:
    scripted.goto(f"{bookings.base_url}/{Purpose.ACCEPT}?token=no")
    check(scripted, "axe-not-ours")
    assert "This link does not work" in scripted.locator("section[lang=en]").inner_text()


def test_axe_finds_what_is_wrong(scripted: Page) -> None:
    scripted.set_content("<html lang=en><title>x</title><main><h1>x</h1><img src=x></main>")
    assert [rule for rule, _, _ in serious(scripted)] == ["image-alt"]
