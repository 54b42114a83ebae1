"""deploy.sh stages each function into a folder that serves it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import ModuleLoader

from local.staging import ROOT
from local.topology import FUNCTIONS
from shared.presentation.engine import COMPILED, EXTENSIONS, engine

NAMES = [function.name for function in FUNCTIONS]


def _deploy(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own script
        [ROOT / "deploy.sh", "stage", *arguments], capture_output=True, text=True, check=False
    )


def test_all_functions_are_staged_when_none_is_named(tmp_path: Path) -> None:
    assert _deploy("--to", str(tmp_path)).returncode == 0
    assert sorted(folder.name for folder in tmp_path.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_staged_folder_holds_only_what_its_function_needs(name: str, tmp_path: Path) -> None:
    assert _deploy("--only", name, "--to", str(tmp_path)).returncode == 0
    staged = tmp_path / name
    assert {entry.name for entry in staged.iterdir()} == {
        "functions",
        "main.py",
        "requirements.txt",
        "shared",
    }
    assert [f.name for f in (staged / "functions").iterdir() if f.is_dir()] == [name]
    assert not list(staged.rglob("__pycache__"))


@pytest.mark.parametrize("folder", ["shared/presentation", "functions/manage_booking"])
def test_templates_are_staged_compiled(folder: str, tmp_path: Path) -> None:
    _deploy("--only", "manage_booking", "--to", str(tmp_path))
    names = engine(ROOT / folder / "templates").list_templates(EXTENSIONS)
    staged = engine(tmp_path / "manage_booking" / folder / "templates")
    assert isinstance(staged.loader, ModuleLoader)
    assert names
    for name in names:
        assert staged.get_template(name).name == name


def test_templates_are_compiled_to_the_same_each_time(tmp_path: Path) -> None:
    """Else each deployment would take every function for a changed one."""
    program = "import sys; from local.staging import *; stage('send_digest', Path(sys.argv[1]))"
    for seed in ("1", "2"):
        subprocess.run(  # noqa: S603 - the line above
            [sys.executable, "-c", program, tmp_path / seed],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        )
    one, two = ({f.name: f.read_bytes() for f in _compiled(tmp_path / s)} for s in ("1", "2"))
    assert one
    assert one == two


def _compiled(staged: Path) -> list[Path]:
    return [*(staged / "shared/presentation/templates" / COMPILED).iterdir()]


@pytest.mark.parametrize("name", NAMES)
def test_a_staged_folder_needs_nothing_of_the_checkout(name: str, tmp_path: Path) -> None:
    _deploy("--only", name, "--to", str(tmp_path))
    program = "import sys; sys.path.insert(0, '.'); import main"
    started = subprocess.run(  # noqa: S603 - the line above
        [sys.executable, "-c", program],
        cwd=tmp_path / name,
        env={"BACKEND": "embedded"},
        capture_output=True,
        text=True,
        check=False,
    )
    # It gets as far as its settings, or needs none: everything that it imports is there.
    assert "ModuleNotFoundError" not in started.stderr
    assert started.returncode == 0 or "SettingsError: cannot start" in started.stderr


def test_staging_again_leaves_nothing_of_before(tmp_path: Path) -> None:
    _deploy("--only", "send_reminder", "--to", str(tmp_path))
    stale = tmp_path / "send_reminder" / "shared" / "stale.py"
    stale.touch()
    _deploy("--only", "send_reminder", "--to", str(tmp_path))
    assert not stale.exists()


def test_an_unknown_function_is_named(tmp_path: Path) -> None:
    refused = _deploy("--only", "no_such", "--to", str(tmp_path))
    assert refused.returncode != 0
    assert "no_such" in refused.stderr
