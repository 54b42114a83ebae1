"""The payment channels of the simulated account and what each will take."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Channel(msgspec.Struct, frozen=True):
    """A way to pay; ``minimum`` and ``maximum`` in whole rupiah, both inclusive."""

    code: str
    method: str
    label: str
    minimum: int
    maximum: int


# Limits: Xendit's "Rules and Limitations" pages for virtual accounts, wallets and retail outlets.
# QRIS is given as 10 and as 20 million there; the lower one refuses what either would refuse.
# None are known for direct debit.
CHANNELS = (
    Channel("MANDIRI", "BANK_TRANSFER", "Mandiri", 1, 50_000_000_000),
    Channel("BRI", "BANK_TRANSFER", "BRI", 1, 50_000_000_000),
    Channel("BNI", "BANK_TRANSFER", "BNI", 1, 50_000_000),
    Channel("PERMATA", "BANK_TRANSFER", "Permata", 1, 9_999_999_999),
    Channel("BCA", "BANK_TRANSFER", "BCA", 10_000, 50_000_000),
    Channel("QRIS", "QR_CODE", "QRIS", 1, 10_000_000),
    Channel("OVO", "EWALLET", "OVO", 100, 20_000_000),
    Channel("DANA", "EWALLET", "DANA", 100, 20_000_000),
    Channel("SHOPEEPAY", "EWALLET", "ShopeePay", 100, 20_000_000),
    Channel("LINKAJA", "EWALLET", "LinkAja", 100, 10_000_000),
    Channel("ALFAMART", "RETAIL_OUTLET", "Alfamart", 10_000, 5_000_000),
    Channel("INDOMARET", "RETAIL_OUTLET", "Indomaret", 10_000, 2_500_000),
    Channel("DD_BRI", "DIRECT_DEBIT", "BRI Direct Debit", 1, 50_000_000_000),
    Channel("CREDIT_CARD", "CREDIT_CARD", "Visa, Mastercard, JCB", 5_000, 200_000_000),
)
# Of these no money can go back through the API: Xendit's pages on refunds, for Indonesia.
UNREFUNDABLE_METHODS = frozenset({"BANK_TRANSFER", "RETAIL_OUTLET"})
CHANNEL_BY_CODE = {channel.code: channel for channel in CHANNELS}


def chosen_channels(request: Mapping[str, Any]) -> tuple[Channel, ...]:
    """Return the channels that a create request lets the payer use: those it names, or all."""
    named = request.get("payment_methods")
    return CHANNELS if not named else tuple(c for c in CHANNELS if c.code in named)
