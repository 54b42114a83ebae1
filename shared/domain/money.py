"""Money: a whole number of the currency's unit, with its currency."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# The currencies that the marketplace sells in. Xendit truncates decimals of IDR, so one unit is
# one rupiah.
Currency = Literal["IDR"]

# The widest channel limit that Xendit documents for IDR (virtual accounts of BRI and Mandiri).
MAX_AMOUNT = 50_000_000_000

Amount = Annotated[int, Meta(gt=0, le=MAX_AMOUNT)]


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """A price. ``amount`` is in whole rupiah for IDR; never a float."""

    amount: Amount
    currency: Currency
