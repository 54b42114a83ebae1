"""Each guard taken out in turn: a promise breaks, and the simulation sees it."""

from collections.abc import Callable

import pytest

from tests.simulation import variants
from tests.simulation.steps import Deploy
from tests.simulation.world import run_seed

# The guards, what breaks without them, and how it shows.
GUARDS: tuple[tuple[Callable[[], Deploy], str, str], ...] = (
    (variants.without_slot_check, "no_double_booking", "overlaps"),
    (variants.without_claim, "one_payable_invoice", "payable invoices at once"),
    (variants.without_find_before_create, "one_payable_invoice", "payable invoices at once"),
    (variants.without_first_invoice_wins, "one_payable_invoice", "links another invoice"),
    (variants.without_read_back, "paid_means_confirmed", "no such payment"),
    (variants.without_amount_check, "paid_means_confirmed", "no such payment"),
    (variants.without_idempotent_event_id, "one_live_event", "live calendar events"),
    (variants.without_message_claim, "each_message_once", "sent again"),
    (variants.without_draft_record, "each_message_once", "sent again"),
    (variants.without_re_emission, "each_message_once", "not sent"),
    (variants.without_timers, "payment_is_served", "no session, no money back"),
    (variants.without_refund_key, "money_goes_back_once", "goes back 2 times"),
    (variants.without_freeing_the_old_day, "slots_match_orders", "is held for nothing"),
    (variants.without_booking_the_new_time, "slots_match_orders", "is not held"),
    (variants.without_revision_check, "used_links_are_dead", "works at"),
    (variants.without_clearing_calendars, "closed_orders_have_no_event", "in the calendars"),
    (variants.without_event_revision, "calendar_shows_the_time", "the calendar shows"),
    (variants.without_once_at_most, "each_message_once", ":whatsapp sent again"),
    (variants.without_noting_late_events, "closed_orders_have_no_event", "in the calendars"),
)
MOST_SEEDS = 300


@pytest.mark.parametrize(
    ("variant", "invariant", "detail"), GUARDS, ids=[guard[0].__name__ for guard in GUARDS]
)
def test_without_a_guard_a_promise_breaks(
    variant: Callable[[], Deploy], invariant: str, detail: str
) -> None:
    for seed in range(MOST_SEEDS):
        broken = run_seed(seed, build=variant()).violations
        if any(v.invariant == invariant and detail in v.detail for v in broken):
            print(f"{variant.__name__}: {invariant} breaks in seed {seed}")
            return
    pytest.fail(f"{MOST_SEEDS} seeds, and {invariant} holds")
