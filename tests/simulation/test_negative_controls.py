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
    (variants.without_idempotent_event_id, "payment_is_served", "live calendar events"),
    (variants.without_message_claim, "each_message_once", "sent again"),
    (variants.without_draft_record, "each_message_once", "sent again"),
    (variants.without_re_emission, "each_message_once", "not sent"),
    (variants.without_timers, "payment_is_served", "without a live event"),
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
