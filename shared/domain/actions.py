"""What holds for everything that a person does to an order by a link."""

from shared.domain.order import Order
from shared.domain.placement import existing
from shared.errors import ActionRefusedError

# Why somebody's wish cannot be followed.
LINK_USED = "link_used"  # something was done since the link was made
NOT_NOW = "not_now"  # the order stands where this cannot be done
TOO_LATE = "too_late"  # the session has begun


def for_action(current: Order | None, revision: int) -> Order:
    """Return the order, if nothing was done to it since the link of this revision was made."""
    order = existing(current)
    if order.revision != revision:
        raise ActionRefusedError(LINK_USED)
    return order
