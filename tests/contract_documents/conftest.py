"""What the tests need of Node, installed once from the lock file beside this."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

HERE = Path(__file__).parent
_LOCAL = HERE.parents[1] / ".local"
_INSTALLED = pytest.StashKey[Path | str]()
_INSTALL_TIMEOUT_S = 300
_RUN_TIMEOUT_S = 60

RunNode = Callable[..., Any]


def pytest_runtest_setup(item: pytest.Item) -> None:
    # Skipped here rather than in the fixture, so that all skips are reported as one line.
    if item.get_closest_marker("node"):
        _node_folder(item.config)


@pytest.fixture(scope="session")
def node_folder(request: pytest.FixtureRequest) -> Path:
    """Return a folder with the packages installed. Without Node tests are skipped, or fail if REQUIRE_NODE is 1."""
    return _node_folder(request.config)


@pytest.fixture(scope="session")
def run_node(node_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RunNode:
    """Return what runs a script beside this with JSON as its input and returns its JSON output."""
    # Imports are resolved from where the script is.
    folder = tmp_path_factory.mktemp("node")
    (folder / "node_modules").symlink_to(node_folder / "node_modules")

    def run(script: str, given: Any) -> Any:
        copied = shutil.copy(HERE / script, folder / script)
        done = subprocess.run(  # noqa: S603 - our own script
            ("node", str(copied)),  # noqa: S607 - found on the path, like npm
            input=msgspec.json.encode(given),
            capture_output=True,
            timeout=_RUN_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return msgspec.json.decode(done.stdout)

    return run


def _node_folder(config: pytest.Config) -> Path:
    if _INSTALLED not in config.stash:
        config.stash[_INSTALLED] = _install()
    installed = config.stash[_INSTALLED]
    if isinstance(installed, Path):
        return installed
    if os.environ.get("REQUIRE_NODE") == "1":
        pytest.fail(installed, pytrace=False)
    pytest.skip(installed.splitlines()[0])


def _install() -> Path | str:
    """Return the folder with the packages, or why there is none."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "not installed: node, npm. They come as the packages nodejs and npm."
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = _LOCAL / f"node-{wanted}"
    folder.mkdir(parents=True, exist_ok=True)
    # The workers of one run share the folder: the first installs, the others wait for it.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder if (folder / "ready").exists() else _npm_ci(folder)


def _npm_ci(folder: Path) -> Path | str:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    done = subprocess.run(
        ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"),  # noqa: S607
        cwd=folder,
        capture_output=True,
        timeout=_INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        return f"npm could not install what {HERE.name}/package.json lists\n{done.stderr.decode()}"
    (folder / "ready").touch()
    return folder
