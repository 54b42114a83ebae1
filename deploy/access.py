"""Makes the policies say what the grants say.

What is missing is added; what our accounts, or everyone, have beyond the grants is taken away;
what others have is left alone, and so is everything that is granted on a condition.
"""

import json
import tempfile
from collections.abc import Iterable
from typing import Any

import msgspec

from deploy.functions import ORDER_PUBLISHER, REGION, accounts, email
from deploy.gcloud import Gcloud, in_parallel
from deploy.grants import AGENT, EVERYONE, Grant, Kind

Pair = tuple[str, str]
Resource = tuple[Kind, str]


class _Change(msgspec.Struct, frozen=True):
    resource: Resource
    policy: Any
    wanted: dict[Pair, Grant]
    after: set[Pair]

    @property
    def added(self) -> list[Grant]:
        before = pairs(self.policy)
        return [grant for pair, grant in self.wanted.items() if pair not in before]

    def __str__(self) -> str:
        taken = sorted(pairs(self.policy) - self.after)
        said = [f"{grant.who} has {grant.role}" for grant in self.added]
        said += [f"{member} has {role} no more" for role, member in taken]
        return f"{' '.join(self.resource)}: {', '.join(said)}"


class Access:
    """The policies of a project."""

    def __init__(self, gcloud: Gcloud, number: str) -> None:
        self._gcloud = gcloud
        self._number = number
        # What the web app's side gives its account elsewhere is not ours to take.
        mine = [email(name, gcloud.project) for name in accounts() if name != ORDER_PUBLISHER]
        self._ours = {EVERYONE, "allAuthenticatedUsers", *(f"serviceAccount:{m}" for m in mine)}

    def apply(self, grants: Iterable[Grant], also: Iterable[Resource] = ()) -> None:
        """Change the policies of the resources that these grants are on, where needed.

        ``also`` are resources that a grant of ours may be on that is not wanted any more.
        """
        wanted: dict[Resource, dict[Pair, Grant]] = {resource: {} for resource in also}
        for grant in grants:
            pair = (grant.role, grant.member(self._gcloud.project, self._number))
            wanted.setdefault((grant.kind, grant.on), {})[pair] = grant
        changes: list[_Change] = []
        in_parallel(lambda each: changes.extend(self._needed(*each)), wanted.items())
        if any(grant.who == AGENT for change in changes for grant in change.added):
            # Google makes it when it is first needed, which is later than it is named here.
            identity = ("services", "identity", "create", "--service=pubsub.googleapis.com")
            self._gcloud.change("Pub/Sub's agent exists", "beta", *identity)
        in_parallel(self._make, changes)

    def clear_project(self) -> None:
        """Take from our accounts what they have in the whole project."""
        resource = (Kind.PROJECT, "")
        policy = self._gcloud.read_or({}, *self._command(*resource, "get-iam-policy"))
        others = {(role, m) for role, m in pairs(policy) if m not in self._ours}
        if others != pairs(policy):
            self._make(_Change(resource, policy, {}, others))

    def _needed(self, resource: Resource, wanted: dict[Pair, Grant]) -> list[_Change]:
        policy = self._gcloud.read_or({}, *self._command(*resource, "get-iam-policy"))
        before = pairs(policy)
        after = {(role, m) for role, m in before if m not in self._ours} | set(wanted)
        return [] if after == before else [_Change(resource, policy, wanted, after)]

    def _make(self, change: _Change) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(with_pairs(change.policy, change.after), file)
            file.flush()
            command = self._command(*change.resource, "set-iam-policy", file.name)
            self._gcloud.change(str(change), *command)

    def _command(self, kind: Kind, name: str, verb: str, *file: str) -> list[str]:
        match kind:
            case Kind.PROJECT:
                return ["projects", verb, self._gcloud.project, *file]
            case Kind.TOPIC | Kind.SUBSCRIPTION:
                return ["pubsub", f"{kind}s", verb, name, *file]
            case Kind.SECRET:
                return ["secrets", verb, name, *file]
            case Kind.SERVICE:
                return ["run", "services", verb, name, *file, f"--region={REGION}"]
            case Kind.ACCOUNT:
                account = email(name, self._gcloud.project)
                return ["iam", "service-accounts", verb, account, *file]


def pairs(policy: Any) -> set[Pair]:
    """Return the unconditional grants of a policy, as (role, member)."""
    return {
        (binding["role"], member)
        for binding in policy.get("bindings", [])
        if "condition" not in binding
        for member in binding["members"]
    }


def with_pairs(policy: Any, wanted: Iterable[Pair]) -> Any:
    """Return the policy with these unconditional grants; conditional ones stay as they are."""
    roles: dict[str, list[str]] = {}
    for role, member in sorted(wanted):
        roles.setdefault(role, []).append(member)
    kept = [binding for binding in policy.get("bindings", []) if "condition" in binding]
    ours = [{"role": role, "members": members} for role, members in roles.items()]
    return {**policy, "bindings": kept + ours}
