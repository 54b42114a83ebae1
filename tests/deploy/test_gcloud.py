"""Running gcloud: patience with what takes effect late, and with nothing else."""

import os
import stat
import threading
from pathlib import Path

import pytest

from deploy.access import pairs, with_pairs
from deploy.gcloud import Gcloud, GcloudError, in_parallel


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a ``gcloud`` on the path that fails by what its last but third argument says."""
    program, log = tmp_path / "gcloud", tmp_path / "log"
    log.touch()
    program.write_text(
        f"""#!/bin/sh
echo "$@" >> {log}
cat > {tmp_path}/stdin
[ "$(wc -l < {log})" -ge "$FAILS" ] && echo '{{"a": 1}}' && exit 0
echo "ERROR: $SAYS" >&2; exit 1
"""
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FAILS", "0")
    return log


def failing(monkeypatch: pytest.MonkeyPatch, times: int, says: str) -> None:
    monkeypatch.setenv("FAILS", str(times + 1))
    monkeypatch.setenv("SAYS", says)


def patient(said: list[str], *, dry_run: bool = False) -> Gcloud:
    return Gcloud("demo", dry_run=dry_run, say=said.append, pauses=(0.0, 0.0))


def test_a_change_waits_for_an_account_that_is_not_known_everywhere_yet(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, 2, "Service account x does not exist.")
    said: list[str] = []
    patient(said).change("topic", "pubsub", "topics", "create", "t")
    assert calls.read_text().splitlines() == ["pubsub topics create t --project=demo --quiet"] * 3
    assert said == ["  topic"]


def test_patience_ends(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, 9, "Service account x does not exist.")
    with pytest.raises(GcloudError, match="does not exist"):
        patient([]).change("topic", "pubsub", "topics", "create", "t")
    assert len(calls.read_text().splitlines()) == 3


def test_what_will_not_pass_is_not_tried_again(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, 9, "quota exceeded")
    with pytest.raises(GcloudError, match="gcloud pubsub topics create t\nERROR: quota exceeded"):
        patient([]).change("topic", "pubsub", "topics", "create", "t")
    assert len(calls.read_text().splitlines()) == 1


def test_a_secret_goes_by_standard_input_only(calls: Path) -> None:
    said: list[str] = []
    patient(said).change("version", "secrets", "versions", "add", "s", stdin="the-secret")
    assert (calls.parent / "stdin").read_text() == "the-secret"
    assert "the-secret" not in calls.read_text() + "".join(said)


def test_a_dry_run_shows_a_change_and_runs_nothing(calls: Path) -> None:
    said: list[str] = []
    gcloud = patient(said, dry_run=True)
    gcloud.change("topic t", "pubsub", "topics", "create", "t")
    assert calls.read_text() == ""
    assert said == ["  topic t\n    gcloud pubsub topics create t"]


def test_what_is_read_is_decoded(calls: Path) -> None:
    assert patient([]).read("pubsub", "topics", "list") == {"a": 1}
    assert calls.read_text() == "pubsub topics list --project=demo --quiet --format=json\n"


@pytest.mark.usefixtures("calls")
def test_what_is_not_found_has_a_default_and_what_is_refused_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing(monkeypatch, 1, "NOT_FOUND: no such thing")
    assert patient([]).read_or("default", "secrets", "list") == "default"
    failing(monkeypatch, 9, "PERMISSION_DENIED")
    with pytest.raises(GcloudError, match="PERMISSION_DENIED"):
        patient([]).read_or("default", "secrets", "list")


def test_the_first_error_comes_when_all_others_have_ended() -> None:
    done: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        if number == 1:
            raise GcloudError("one failed")
        with lock:
            done.append(number)

    with pytest.raises(GcloudError, match="one failed"):
        in_parallel(work, range(5))
    assert sorted(done) == [0, 2, 3, 4]


def test_conditional_grants_stay_as_they_are() -> None:
    conditional = {"role": "roles/a", "members": ["user:x"], "condition": {"expression": "c"}}
    policy = {"etag": "e", "bindings": [conditional, {"role": "roles/b", "members": ["user:y"]}]}
    assert pairs(policy) == {("roles/b", "user:y")}
    assert with_pairs(policy, [("roles/c", "user:z"), ("roles/c", "user:a")]) == {
        "etag": "e",
        "bindings": [conditional, {"role": "roles/c", "members": ["user:a", "user:z"]}],
    }
