"""Which modules a function has loaded, after its import and after its first answer.

Runs in the staged folder of the function: ``python -m benchmarks.cold_start.probe NAME`` with the
request as JSON on standard input, and writes ``{"imported", "answered", "status", "said",
"collections"}``: how often Python has looked for garbage in between.
"""

import gc
import json
import sys

import functions_framework


def main(name: str) -> None:
    """Serve one request in this process."""
    request = json.load(sys.stdin)
    app = functions_framework.create_app(name, "main.py").test_client()
    imported, collected = list(sys.modules), _collections()
    answer = app.open(
        request["path"],
        method=request["method"],
        data=request["body"],
        headers=request["headers"],
    )
    report = {
        "imported": imported,
        "answered": list(sys.modules),
        "status": answer.status_code,
        "said": answer.get_data(as_text=True),
        "collections": _collections() - collected,
    }
    sys.stdout.write(json.dumps(report))


def _collections() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())


if __name__ == "__main__":
    main(sys.argv[1])
