"""The list of licences names exactly what is deployed."""

import re

from local.staging import ROOT


def test_every_locked_package_is_listed_with_its_version_and_a_licence() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    listed = re.findall(r"^\| ([\w.-]+) \| (\S+) \| (\S.*) \|$", page, re.MULTILINE)
    rows = {(name, version) for name, version, _ in listed if name != "package"}
    assert rows == locked
