"""The files of the contracts: what they should hold, and what they hold."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from local.contracts import asyncapi
from local.contracts.compatibility import broken
from local.contracts.samples import CONTRACTS, Contract, JsonObject
from local.contracts.schemas import schema_of
from shared import messages
from shared.errors import PipelineError

_PROJECT = Path(__file__).parents[2]
FOLDER = _PROJECT / "docs" / "contracts"


class BrokenContractError(PipelineError):
    """An event type changed in a way that its version does not allow."""


def generated(contracts: Sequence[Contract] = CONTRACTS) -> dict[str, str]:
    """Return the content of every file that follows from the types, by its path in the folder."""
    version = tomllib.loads((_PROJECT / "pyproject.toml").read_text())["project"]["version"]
    documents = {
        "asyncapi.json": asyncapi.document(contracts, version),
        **{f"schemas/{c.name}.json": schema_of(c) for c in contracts},
        **{f"examples/{c.name}.json": c.example for c in contracts if c.by_web_app},
    }
    return {path: _text(document) for path, document in documents.items()}


def committed_schemas(folder: Path = FOLDER) -> dict[str, JsonObject]:
    """Return the schemas in the folder by name, like ``invoice.paid.v1``."""
    return {path.stem: json.loads(path.read_text()) for path in (folder / "schemas").glob("*.json")}


def write(folder: Path = FOLDER, contracts: Sequence[Contract] = CONTRACTS) -> None:
    """Write what has changed, and a golden event for each version that has none.

    Raises BrokenContractError if a schema would no longer keep what the one in the folder promises.
    """
    current = {contract.name: schema_of(contract) for contract in contracts}
    if breaks := broken(committed_schemas(folder), current):
        raise BrokenContractError("\n".join(breaks))
    for path, text in generated(contracts).items():
        _put(folder / path, text)
    for contract in contracts:
        golden = folder / "golden" / f"{contract.name}.json"
        if not golden.exists():
            _put(golden, _text(_golden(contract)))


def _golden(contract: Contract) -> JsonObject:
    means = json.loads(messages.encode(contract.event))
    return {"attributes": contract.attributes, "data": contract.example, "means": means}


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _text(document: JsonObject) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
