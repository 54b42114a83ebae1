"""Which request is answered by what: a small router for the style of Google's REST APIs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.deploy.cloud.state import Cloud, CloudError, Json


@dataclass(frozen=True)
class Call:
    """One request: the parts of its path, its query, and its decoded body (or raw, of uploads)."""

    path: dict[str, str]
    query: dict[str, str]
    body: Json
    raw: bytes

    def name(self, *parts: str) -> str:
        """Return a resource's name from parts of the path: ``name("topics")``, say."""
        return "/".join(["projects", self.path["project"], *parts])


Handler = Callable[[Cloud, Call], Any]


@dataclass(frozen=True)
class Route:
    """A request and its handler. ``api`` has to be enabled; empty for those that always are."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    api: str
    changes: bool


ROUTES: list[Route] = []


def route(
    method: str, path: str, *, api: str = "", changes: bool | None = None
) -> Callable[[Handler], Handler]:
    """Register a handler; ``{name}`` in the path matches one segment, without a ``:verb``."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+)", path))
        changing = method != "GET" if changes is None else changes
        ROUTES.append(Route(method, pattern, handler, api, changing))
        return handler

    return register


def answer(cloud: Cloud, method: str, path: str, call: Call) -> Any:
    """Answer one request; CloudError as Google would."""
    cloud.requests.append(f"{method} {path}")
    for known in ROUTES:
        match = known.pattern.fullmatch(path) if known.method == method else None
        if match is not None:
            if known.api and f"{known.api}.googleapis.com" not in cloud.apis:
                raise _disabled(known.api, cloud)
            found = Call({**call.path, **match.groupdict()}, call.query, call.body, call.raw)
            result = known.handler(cloud, found)
            if known.changes:
                cloud.changes.append(f"{method} {path}")
                cloud.after_change(len(cloud.changes))
            return result
    raise CloudError(404, "NOT_FOUND", f"nothing here answers {method} {path}")


def _disabled(api: str, cloud: Cloud) -> CloudError:
    message = f"{api}.googleapis.com has not been used in project {cloud.number} before or it is disabled."
    return CloudError(403, "PERMISSION_DENIED", message)
