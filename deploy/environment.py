"""The settings of a deployment: a file of NAME=value lines, checked as a whole."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

from deploy.functions import CHOICES, MADE, SECRETS, SERVICES, functions, sections, variables
from shared.errors import SettingsError
from shared.settings import Section, Settings

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_LOCAL_ONLY = frozenset({"DATA_DIR", "CLOCK_OFFSET_FILE", "GOOGLE_API_BASE_URL"})
# What a deployment makes, or asks Google for, where the file does not have it.
_FOUND_LATER = {
    **{name: make() for name, make in MADE.items()},
    "LINKS_BASE_URL": "https://not-deployed-yet.invalid",
}
# Of those that may be left out elsewhere, this one has no default that makes sense here.
_NEEDED = "GOOGLE_CLOUD_PROJECT"


def sections_with(given: Mapping[str, str]) -> tuple[type[Section], ...]:
    """Return all sections that any function reads with these settings."""
    return tuple(dict.fromkeys(s for f in functions(given) for s in sections(f.name, given)))


def known_variables() -> set[str]:
    """Return every setting that the file may hold, whatever is chosen."""
    chosen = [dict([choice]) for choice in CHOICES]
    known = {s for given in chosen for s in sections_with(given)}
    return {name for section in known for name in variables(section)} - _LOCAL_ONLY


def load(path: Path) -> dict[str, str]:
    """Read and check the file. Raises SettingsError that names everything that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    values, problems = _parse(text)
    problems += [*_unknown(values), *_wrong(values)]
    if problems:
        raise SettingsError(f"{path}:\n" + "\n".join(f"  {problem}" for problem in problems))
    return {"BACKEND": "gcp", **{name: value for name, value in values.items() if value}}


def _parse(text: str) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            problems.append(f"line {number} is not NAME=value")
        elif match[1] in values:
            problems.append(f"{match[1]} is there twice, again in line {number}")
        else:
            values[match[1]] = _unquoted(match[2])
    return values, problems


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _unknown(values: Mapping[str, str]) -> list[str]:
    known = known_variables()
    problems = []
    for name in values:
        if name in _LOCAL_ONLY:
            problems.append(f"{name} is for local worlds only")
        elif name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"{name} is no setting{hint}")
    return problems


def _wrong(values: Mapping[str, str]) -> list[str]:
    # An optional setting that is left empty keeps its default.
    given = {"BACKEND": "gcp", **{name: value for name, value in values.items() if value}}
    problems: list[str] = []
    try:
        Settings.load(_FOUND_LATER | given, *sections_with(given))
    except SettingsError as error:
        problems += [line.strip() for line in str(error).splitlines()[1:]]
    if given["BACKEND"] != "gcp":
        problems.append("BACKEND is gcp, or left out")
    project = given.get(_NEEDED, "")
    if not _PROJECT.fullmatch(project):
        problems.append(f"{_NEEDED} is missing or no project id")
    return problems + _too_long(given) + _unfit_secrets(given)


def _too_long(given: Mapping[str, str]) -> list[str]:
    """Check the claim: one that ends before its function would let two do the same step."""
    longest = max(s.timeout.total_seconds() for s in SERVICES.values() if s.concurrency > 1)
    try:
        enough = float(given.get("CLAIM_SECONDS", "inf")) > longest
    except ValueError:
        return []  # said already
    return (
        [] if enough else [f"CLAIM_SECONDS must be more than {longest:.0f}, a function's timeout"]
    )


def _unfit_secrets(given: Mapping[str, str]) -> list[str]:
    return [
        f"{name} has spaces around it"
        for name in SECRETS
        if given.get(name, "") != given.get(name, "").strip()
    ]
