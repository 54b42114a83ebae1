"""Fuzz the functions: ``python -m tests.fuzz --requests 10000``, or one with ``--only 7``."""

import argparse
import base64
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from tests.component.functions.bench import Functions, running
from tests.fuzz.campaign import Campaign, Failure, Report
from tests.fuzz.wire import Request

_SHOWN_FAILURES = 20
_SHOWN_REQUESTS = 3
_TOLD_BYTES = 64 * 1024


def main() -> int:
    """Return 0 if everything held for every request."""
    options = _options()
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-") as folder,
        running(Path(folder)) as functions,
    ):
        campaign = Campaign(functions, options.seed)
        if options.only is not None:
            return _one(campaign, options.only)
        began = time.monotonic()
        report = _all(campaign, options.requests)
        seconds = time.monotonic() - began
        for line in _lines(report, functions, seconds, options.seed):
            print(line)
        if options.json:
            said = _as_json(report, functions, seconds, options.seed)
            options.json.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    return 1 if report.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--requests", type=int, default=1000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other requests")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="only this request of the seed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there, too")
    return parser.parse_args()


def _all(campaign: Campaign, count: int) -> Report:
    console = Console(stderr=True)
    columns = ("requests", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=count)
        return campaign.run(range(count), lambda sent: progress.advance(task, sent))


def _one(campaign: Campaign, number: int) -> int:
    config = campaign.functions.config
    request = campaign.requests.make(number)
    print(f"{request}\n{request.as_curl(config.url(request.entry))}\n")
    report = campaign.run(range(number, number + 1))
    print("answered", *report.answers)
    for failure in report.failures:
        print(f"failed: {failure.what}\n  {failure.answer or ''}")
    return 1 if report.failures else 0


def _lines(report: Report, functions: Functions, seconds: float, seed: int) -> Iterator[str]:
    yield f"{report.sent:,} requests of seed {seed} in {seconds:.0f} s ({report.sent / seconds:.0f} a second)"
    yield from _table("by entry point", report.entries)
    yield from _table("by kind", report.kinds)
    yield from _table("by answer", report.answers)
    yield from _table("what became of the pushes", report.pushes)
    yield from _table("did what they asked for to an order or chat", report.done)
    yield "\nmemory in MiB, after the first requests and at the end"
    for name, (before, after) in report.memory.items():
        yield f"  {before:>8.0f}  {after:>8.0f}  {name}"
    yield f"\nfailures: {len(report.failures)}"
    for failure in report.failures[:_SHOWN_FAILURES]:
        yield from _told(failure, functions, seed)


def _told(failure: Failure, functions: Functions, seed: int) -> Iterator[str]:
    yield f"\n{failure.what}"
    if failure.answer is not None:
        yield f"  answer: {failure.answer}"
    for request in failure.requests[:_SHOWN_REQUESTS]:
        yield f"  {request.number}: {request.kind} at {request.entry}, framed by {request.framing}"
        yield f"  {request.as_curl(functions.config.url(request.entry))}"
        yield f"  again: python -m tests.fuzz --seed {seed} --only {request.number}"
    if (more := len(failure.requests) - _SHOWN_REQUESTS) > 0:
        yield f"  or one of {more} others that were sent at the same time"


def _table(title: str, counts: Counter[str]) -> Iterator[str]:
    yield f"\n{title}"
    for name, count in counts.most_common():
        yield f"  {count:>8,}  {name}"


def _as_json(report: Report, functions: Functions, seconds: float, seed: int) -> Mapping[str, Any]:
    return {
        "seed": seed,
        "requests": report.sent,
        "seconds": round(seconds, 1),
        "entries": dict(report.entries),
        "kinds": dict(report.kinds),
        "answers": dict(report.answers),
        "pushes": dict(report.pushes),
        "done": dict(report.done),
        "memory_mib": {name: list(held) for name, held in report.memory.items()},
        "failures": [
            {
                "what": failure.what,
                "answer": None if failure.answer is None else str(failure.answer),
                "requests": [_request(request, functions) for request in failure.requests],
            }
            for failure in report.failures
        ],
    }


def _request(request: Request, functions: Functions) -> Mapping[str, Any]:
    return {
        "number": request.number,
        "kind": request.kind,
        "framing": str(request.framing),
        "curl": request.as_curl(functions.config.url(request.entry)),
        "body_base64": base64.b64encode(request.body[:_TOLD_BYTES]).decode(),
    }


if __name__ == "__main__":
    sys.exit(main())
