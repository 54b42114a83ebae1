"""Writes docs/contracts/ from the event types: ``python -m local.contracts``."""

import sys

from local.contracts.files import BrokenContractError, write


def main() -> int:
    """Write the contracts, unless an event type broke one; return the exit status."""
    try:
        write()
    except BrokenContractError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


sys.exit(main())
