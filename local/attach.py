"""Reaching a local world that is kept in a folder."""

import os
from pathlib import Path

from local import config as configuration
from local.config import WorldConfig
from shared.bootstrap import Wiring
from shared.errors import PipelineError


def running_world(folder: Path) -> WorldConfig:
    """Return where the world of this folder is. Raises PipelineError if there is none."""
    config = configuration.load(folder)
    if config is None:
        raise PipelineError(f"there is no world in {folder}; start one with `python -m local up`")
    return config


def wiring(folder: Path) -> Wiring:
    """Return the adapters of the world of this folder."""
    config = running_world(folder)
    os.environ.update(config.emulators)  # Google's clients look for them there
    return Wiring(variables=config.function_settings())
