"""How often an order makes anything go over the network."""

from typing import Self

import msgspec


class Counts(msgspec.Struct, kw_only=True):
    """Remote operations, each counted as it is billed.

    ``reads``, ``writes`` and ``deletes`` are documents; ``messages`` are those published and
    ``pushed`` the deliveries of them; ``vendor_calls`` are HTTP requests to Xendit and Google.
    """

    reads: int = 0
    writes: int = 0
    deletes: int = 0
    messages: int = 0
    pushed: int = 0
    vendor_calls: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(msgspec.structs.astuple(self))

    def __add__(self, other: Self) -> "Counts":
        """Return both together."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Counts(**dict(zip(self.__struct_fields__, map(sum, pairs), strict=True)))
