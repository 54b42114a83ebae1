"""Measures one function in a process of its own: ``python -m … FOLDER FUNCTION EVENTS``.

Writes the processor's milliseconds of each pair of turns, function and floor, as JSON. The time is
that of all threads: of the gRPC clients', too.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.cpu_per_event.turns import Send, Turns
from local.config import load
from shared import garbage

# The first ones load what is loaded lazily.
_WARM_UP = 5


def main(folder: Path, name: str, events: int) -> None:
    """Measure, and print the figures."""
    config = load(folder)
    assert config is not None
    garbage.expect_loading()
    turns = Turns(name, config)
    pairs = [turns.take(_timed) for _ in range(events + _WARM_UP)]
    sys.stdout.write(json.dumps(pairs[_WARM_UP:]))


def _timed(send: Send) -> float:
    began = time.process_time()
    send()
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
