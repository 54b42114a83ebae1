"""A short simulation of random worlds, for a report that would have nothing to say of reliability."""

import logging
import multiprocessing
from pathlib import Path

import msgspec

from benchmarks.report.evidence import Simulation
from tests.simulation.faults import PAIRS
from tests.simulation.summary import Summary
from tests.simulation.world import run_seed

SEEDS = 400
_BATCH = 25
_PROCESSES = 2


def run(path: Path, seeds: int = SEEDS) -> None:
    """Run so many worlds and write their sums."""
    batches = [range(at, min(at + _BATCH, seeds)) for at in range(0, seeds, _BATCH)]
    summary = Summary()
    with multiprocessing.Pool(_PROCESSES) as pool:
        for part in pool.imap_unordered(_batch, batches):
            summary.merge(part)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(_sums(summary))) + b"\n")


def _batch(seeds: range) -> Summary:
    logging.disable()  # what the simulated steps complain of is what they were made to meet
    summary = Summary()
    for seed in seeds:
        summary.add(run_seed(seed))
    return summary


def _sums(summary: Summary) -> Simulation:
    return Simulation(
        seeds=summary.seeds,
        orders=summary.orders,
        mails=summary.mails,
        violations=sum(map(len, summary.broken.values())),
        faults={str(fault): count for fault, count in sorted(summary.by_kind.items())},
        pairs_reached=len(PAIRS) - len(summary.unreached_pairs),
        pairs=len(PAIRS),
    )
