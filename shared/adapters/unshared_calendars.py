"""BusyCalendars where mentors do not share theirs."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.schedule import Period


class UnsharedCalendars:
    """Knows of no appointments but our own bookings."""

    def busy(self, _email: str, _begin: datetime, _end: datetime) -> Sequence[Period]:
        """See BusyCalendars."""
        return ()
