"""Many processes open the same new file at once, as the functions of a local world do."""

import subprocess
import sys
import time
from pathlib import Path

from local.staging import ROOT

OPENERS = 8
ROUNDS = 12
# All wait for the same moment, then open files that do not exist yet.
PROGRAM = """
import sys, time
from pathlib import Path
from shared.adapters.sqlite import SqliteFile
folder, start, rounds = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
for number in range(rounds):
    while time.time() < start + number * 0.05:
        pass
    opened = SqliteFile(folder / f"{number}.db", "CREATE TABLE IF NOT EXISTS t (id INTEGER)")
    with opened.transaction() as db:
        db.execute("INSERT INTO t VALUES (1)")
    opened.close()
"""


def test_a_new_file_can_be_opened_by_many_at_once(tmp_path: Path) -> None:
    start = time.time() + 2
    openers = [
        subprocess.Popen(  # noqa: S603 - the lines above
            [sys.executable, "-c", PROGRAM, tmp_path, str(start), str(ROUNDS)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(OPENERS)
    ]
    said = [opener.communicate()[1] for opener in openers]
    assert said == [""] * OPENERS
