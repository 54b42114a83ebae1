"""Finding the emulators, and saying what is missing where they are not."""

from pathlib import Path

import pytest

from local.emulators import HOW_TO_INSTALL, Emulators, EmulatorsUnavailableError

COMPONENTS = ("cloud-firestore-emulator", "pubsub-emulator")


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    (tmp_path / "sdk" / "bin").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{tmp_path}/sdk/bin")


def _install(sdk: Path, *components: str) -> None:
    for program in ("gcloud", "java"):
        (sdk / "bin" / program).write_text("#!/bin/sh\necho Unsupported Java version\n")
        (sdk / "bin" / program).chmod(0o755)
    for component in components:
        (sdk / "platform" / component).mkdir(parents=True)


def _failure(folder: Path) -> str:
    with pytest.raises(EmulatorsUnavailableError) as raised:
        Emulators(folder / "logs").start()
    return str(raised.value)


def test_without_gcloud_and_java_both_are_named(tmp_path: Path) -> None:
    assert _failure(tmp_path) == f"not installed: gcloud, java. {HOW_TO_INSTALL}"


def test_a_missing_component_is_named(tmp_path: Path) -> None:
    _install(tmp_path / "sdk", "pubsub-emulator")
    assert _failure(tmp_path) == f"not installed: cloud-firestore-emulator. {HOW_TO_INSTALL}"


def test_a_running_emulator_need_not_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path / "sdk", "pubsub-emulator")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "localhost:1")
    assert _failure(tmp_path).startswith("the Pub/Sub emulator ended at once.")


def test_what_a_failing_emulator_said_is_told(tmp_path: Path) -> None:
    _install(tmp_path / "sdk", *COMPONENTS)
    assert _failure(tmp_path) == (
        f"the Firestore emulator ended at once. {HOW_TO_INSTALL} It said:\n"
        "Unsupported Java version\n"
    )


def test_emulators_that_the_environment_names_are_used_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"FIRESTORE_EMULATOR_HOST": "localhost:1", "PUBSUB_EMULATOR_HOST": "localhost:2"}
    for variable, host in named.items():
        monkeypatch.setenv(variable, host)
    with Emulators(tmp_path) as emulators:
        assert emulators.environment == named
    assert emulators.environment == named
