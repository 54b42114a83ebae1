"""Run seeds: ``python -m tests.simulation --seeds 10000``, or one with ``--seed 7 --trace``."""

import argparse
import logging
import multiprocessing
import sys
import time
from collections.abc import Iterator

from tests.simulation.summary import Summary
from tests.simulation.world import run_seed

_BATCH = 25
_SHOWN_FAILURES = 10


def main() -> int:
    """Return 0 if every promise held in every seed."""
    # What the steps would log in production, thousands of lines of it; the trace shows more.
    logging.getLogger("pipeline").addHandler(logging.NullHandler())
    options = _options()
    if options.seed is not None:
        return _one(options.seed, traced=options.trace)
    began = time.monotonic()
    summary = _many(options.first, options.seeds, options.jobs)
    for line in summary.lines(time.monotonic() - began):
        print(line)
    for seed in sorted(summary.broken)[:_SHOWN_FAILURES]:
        print(f"\nseed {seed}")
        for violation in summary.broken[seed]:
            print(f"  {violation}")
        print(f"  replay: python -m tests.simulation --seed {seed} --trace")
    if summary.broken:
        print(f"\nthe trace of seed {min(summary.broken)}:")
        _one(min(summary.broken), traced=True, about_broken_orders=True)
    return 1 if summary.broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="show every call of it")
    return parser.parse_args()


def _one(seed: int, *, traced: bool, about_broken_orders: bool = False) -> int:
    outcome = run_seed(seed, traced=traced)
    broken = {violation.order_id for violation in outcome.violations}
    for line in outcome.trace:
        text = str(line)
        if not about_broken_orders or any(order_id in text for order_id in broken):
            print(text)
    for violation in outcome.violations:
        print(f"{violation.invariant}: {violation.order_id} {violation.detail}")
    print(f"seed {seed}: {outcome.orders} orders, {len(outcome.violations)} violations")
    return 1 if outcome.violations else 0


def _many(first: int, count: int, jobs: int) -> Summary:
    batches = [
        range(at, min(at + _BATCH, first + count)) for at in range(first, first + count, _BATCH)
    ]
    summary = Summary()
    with multiprocessing.Pool(jobs) as pool:
        for number, part in enumerate(pool.imap_unordered(_batch, batches), 1):
            summary.merge(part)
            for line in _progress(number, len(batches), summary):
                print(line, file=sys.stderr)
    return summary


def _batch(seeds: range) -> Summary:
    summary = Summary()
    for seed in seeds:
        summary.add(run_seed(seed))
    return summary


def _progress(number: int, of: int, summary: Summary) -> Iterator[str]:
    if number % max(1, of // 10) == 0:
        yield f"{summary.seeds} seeds, {len(summary.broken)} with violations"


if __name__ == "__main__":
    sys.exit(main())
