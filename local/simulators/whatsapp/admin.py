"""The admin surface: what was sent, what is under way, what shall go wrong."""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.faults import Faults
from local.simulators.records import Records
from local.simulators.whatsapp.api import MessageApi
from local.simulators.whatsapp.messages import Messages
from local.simulators.whatsapp.progress import Progress, WebhookSettings
from local.simulators.whatsapp.wire import Refusal


class Admin:
    """Endpoints under ``/_admin/`` that look into the simulator and steer it."""

    def __init__(
        self,
        *,
        records: Records,
        messages: Messages,
        progress: Progress,
        api: MessageApi,
        faults: Faults,
        public_url: str,
    ) -> None:
        self._records = records
        self._messages = messages
        self._progress = progress
        self._api = api
        self._faults = faults
        self._public_url = public_url.rstrip("/")

    def routes(self) -> list[Route]:
        """Return the routes, those of the faults included."""
        return [
            Route("/_admin/messages", self.messages),
            Route("/_admin/webhooks", self.webhooks, methods=["GET", "POST"]),
            Route("/_admin/refusals", self.refusals, methods=["GET", "POST", "DELETE"]),
            Route("/_admin/pending", self.pending),
            Route("/_admin/counts", self.counts),
            Route("/_admin/reset", self.reset, methods=["POST"]),
            *self._faults.routes(),
        ]

    async def messages(self, request: Request) -> Response:
        """Answer ``{"messages": [...]}`` in the order of sending.

        ``?to=`` keeps one number's (in digits); ``?skip=`` leaves out so many of the first.
        """
        query = request.query_params
        found = self._messages.all(query.get("to"), skip=int(query.get("skip", 0)))
        return JSONResponse(
            {
                "messages": [
                    msgspec.to_builtins(message) | {"url": f"{self._public_url}/phone/{message.to}"}
                    for message in found
                ]
            }
        )

    async def webhooks(self, request: Request) -> Response:
        """Answer every webhook and how badly they behave; POST changes that."""
        if request.method == "POST":
            changed = msgspec.json.decode(await request.body(), type=WebhookSettings)
            self._progress.settings = changed
        settings = msgspec.to_builtins(self._progress.settings)
        webhooks = msgspec.to_builtins(self._progress.all())
        return JSONResponse({"settings": settings, "webhooks": webhooks})

    async def refusals(self, request: Request) -> Response:
        """Plan with which codes the next messages are refused."""
        if request.method == "POST":
            self._api.refusals.append(msgspec.json.decode(await request.body(), type=Refusal))
        elif request.method == "DELETE":
            self._api.refusals.clear()
        return JSONResponse({"rules": msgspec.to_builtins(self._api.refusals)})

    async def pending(self, _: Request) -> Response:
        """Answer how much is due and under way, and when something will be due next."""
        next_at = self._progress.next_at()
        return JSONResponse(
            {
                "due": self._progress.count_due(),
                "in_flight": len(self._progress.in_flight) + self._faults.under_way,
                "next_at": None if next_at is None else next_at.isoformat(),
            }
        )

    async def counts(self, _: Request) -> Response:
        """Answer how many messages there are; cheap, for who polls."""
        return JSONResponse({"messages": self._records.count("message")})

    async def reset(self, _: Request) -> Response:
        """Forget all state and all that shall go wrong."""
        self._records.clear()
        self._progress.forget()
        self._api.refusals.clear()
        self._faults.clear()
        return JSONResponse({"reset": True})


async def bad_admin_request(_: Request, error: Exception) -> Response:
    """Answer 400 with the reason for a body that does not fit its type."""
    return JSONResponse({"detail": str(error)}, status_code=400)
