"""The command line of the local world: ``python -m local COMMAND``."""

import sys

from local.cli import main

sys.exit(main(sys.argv[1:]))
