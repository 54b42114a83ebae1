"""What a project at Google Cloud holds: resources, policies, enabled APIs, and who changed what."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]


class CloudError(Exception):
    """An error that Google answers: HTTP status, its name, and a message."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    @property
    def body(self) -> Json:
        """The error as Google writes it."""
        return {"error": {"code": self.code, "status": self.status, "message": str(self)}}


def not_found(name: str) -> CloudError:
    """Return the error for a resource that is not there."""
    return CloudError(404, "NOT_FOUND", f"Resource {name} was not found.")


def invalid(message: str) -> CloudError:
    """Return the error for a request that cannot be met as it is."""
    return CloudError(400, "INVALID_ARGUMENT", message)


class Cloud:
    """One project. Resources are kept by their full name, like ``projects/demo/topics/x``.

    ``requests`` lists what was asked, ``changes`` every change that was made, as ``METHOD path``;
    ``after_change`` is called once one has been made and before it is answered, with how many
    there have been.
    """

    def __init__(self, project: str = "demo", number: str = "123456789012") -> None:
        self.project = project
        self.number = number
        self.apis: set[str] = set()
        self.agents: set[str] = set()
        self.resources: dict[str, Json] = {}
        self.policies: dict[str, Json] = {}
        self.requests: list[str] = []
        self.changes: list[str] = []
        self.after_change: Callable[[int], None] = lambda _count: None

    def get(self, name: str) -> Json:
        """Return a resource; CloudError 404 without it."""
        if name not in self.resources:
            raise not_found(name)
        return self.resources[name]

    def create(self, name: str, content: Json) -> Json:
        """Store a new resource; CloudError 409 if it is there already."""
        if name in self.resources:
            raise CloudError(409, "ALREADY_EXISTS", f"Resource {name} already exists.")
        self.resources[name] = {**content, "name": name}
        return self.resources[name]

    def delete(self, name: str) -> Json:
        """Remove a resource, what is below it, and their policies."""
        self.get(name)
        for known in (self.resources, self.policies):
            for each in [key for key in known if key == name or key.startswith(f"{name}/")]:
                del known[each]
        return {}

    def within(self, collection: str) -> list[Json]:
        """Return the resources right below a collection, like ``projects/demo/topics``."""
        return [self.resources[name] for name in self.names(collection)]

    def names(self, collection: str) -> Iterator[str]:
        """Yield the names of the resources right below a collection."""
        for name in sorted(self.resources):
            parent, _, _ = name.rpartition("/")
            if parent == collection:
                yield name

    def policy(self, name: str) -> Json:
        """Return the resource's IAM policy."""
        return self.policies.setdefault(name, {"etag": _etag(0), "version": 1})

    def set_policy(self, name: str, policy: Json) -> Json:
        """Replace the policy, as IAM does: the etag must fit and every member must exist."""
        before = self.policy(name)
        if policy.get("etag", before["etag"]) != before["etag"]:
            raise CloudError(409, "ABORTED", "There were concurrent policy changes.")
        for binding in policy.get("bindings", []):
            for member in binding["members"]:
                self._check(member)
        count = int(base64.b64decode(before["etag"])) + 1
        self.policies[name] = {**policy, "etag": _etag(count), "version": 1}
        return self.policies[name]

    def grants(self) -> set[tuple[str, str, str]]:
        """Return all that is granted, as (resource, role, member)."""
        return {
            (name, binding["role"], member)
            for name, policy in self.policies.items()
            for binding in policy.get("bindings", [])
            for member in binding["members"]
        }

    def has(self, resource: str, role: str, member: str) -> bool:
        """Return whether that very grant is there."""
        return (resource, role, member) in self.grants()

    def account(self, email: str) -> str:
        """Return the name of a service account."""
        return f"projects/{self.project}/serviceAccounts/{email}"

    def _check(self, member: str) -> None:
        kind, _, email = member.partition(":")
        known = email in self.agents or self.account(email) in self.resources
        if kind == "serviceAccount" and not known:
            raise invalid(f"Service account {email} does not exist.")


def _etag(count: int) -> str:
    return base64.b64encode(f"{count:04}".encode()).decode()
