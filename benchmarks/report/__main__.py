"""The evaluation: ``python -m benchmarks.report`` writes one HTML page of all that was measured.

What reliability and tasks are shown by is made first where it is not there: some five minutes.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.model.latest import FOLDER
from benchmarks.report import effort, page
from benchmarks.report.evidence import collect
from benchmarks.report.gather import gather
from shared.errors import PipelineError


def main() -> int:
    """Write the report and the questionnaire; return 1 where a file of results cannot be read."""
    options, console = _options(), Console()
    folder: Path = options.results
    folder.mkdir(parents=True, exist_ok=True)
    if not options.as_it_is:
        for what, said in gather(folder, console).items():
            console.print(f"nothing came of: {what}\n{said}", style="yellow", markup=False)
    try:
        text = page.report(collect(folder), effort.load(), datetime.now(UTC).date())
    except PipelineError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1
    for name, content in {"evaluation.html": text, "sus-form.html": page.sus_form()}.items():
        (folder / name).write_text(content, encoding="utf-8")
        console.print(f"written: {folder / name}", highlight=False)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--results", type=Path, default=FOLDER, metavar="FOLDER")
    parser.add_argument("--as-it-is", action="store_true", help="run nothing that is not there yet")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
