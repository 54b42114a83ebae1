"""``POST /{version}/{phone number id}/messages``, as the Cloud API checks it; templates only.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
"""

import hmac
import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.faults import Faults
from local.simulators.whatsapp.catalogue import Catalogue
from local.simulators.whatsapp.messages import Message, Messages
from local.simulators.whatsapp.progress import Progress
from local.simulators.whatsapp.wire import NO_SUCH_OBJECT, GraphError, Refusal

OPERATION = "messages.send"
_UNSENDABLE = re.compile(r"[\n\r\t]| {5,}")


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["text"]
    text: str


class _Component(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["body"]
    parameters: list[_Text]


class _Language(msgspec.Struct, forbid_unknown_fields=True):
    code: str


class _Template(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    language: _Language
    components: Annotated[list[_Component], Meta(max_length=1)] = []


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    messaging_product: Literal["whatsapp"]
    to: Annotated[str, Meta(pattern=r"^\+?[1-9][0-9]{6,14}$")]
    type: Literal["template"]
    template: _Template
    recipient_type: Literal["individual"] = "individual"
    biz_opaque_callback_data: Annotated[str, Meta(max_length=512)] = ""


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that are not on WhatsApp, by their last digits.

    Meta says so at once (``refused``) or only in a webhook, once it has tried (``fails_later``).
    """

    refused: str = "0001"
    fails_later: str = "0000"


DEFAULT_NUMBERS = Numbers()


class MessageApi:
    """The one method of the API that the simulator has; its operation is ``messages.send``."""

    def __init__(
        self,
        *,
        messages: Messages,
        catalogue: Catalogue,
        progress: Progress,
        faults: Faults,
        numbers: Numbers,
        access_token: str,
        phone_number_id: str,
    ) -> None:
        self._messages = messages
        self._catalogue = catalogue
        self._progress = progress
        self._faults = faults
        self._numbers = numbers
        self._token = access_token
        self._phone_number_id = phone_number_id
        self.refusals: list[Refusal] = []

    def routes(self) -> list[Route]:
        """Return the route, with its faults."""
        handler = self._faults.wrap(OPERATION, self.send, _rate_limited)
        path = "/{version:str}/{phone_number_id:str}/messages"
        return [Route(path, handler, methods=["POST"])]

    async def send(self, request: Request) -> Response:
        """Check a message, keep it, and let its fate begin."""
        try:
            self._check_caller(request)
            self._refuse()
            message = self._accept(await request.body())
        except GraphError as error:
            return error.response()
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": message.to, "wa_id": message.to}],
                "messages": [{"id": message.id, "message_status": "accepted"}],
            }
        )

    def _check_caller(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(token.encode(), self._token.encode())
        if scheme.lower() != "bearer" or not known:
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token")
        if request.path_params["phone_number_id"] != self._phone_number_id:
            raise GraphError(100, "the object does not exist", subcode=NO_SUCH_OBJECT)

    def _refuse(self) -> None:
        if self.refusals:
            first, *rest = self.refusals
            left = (
                msgspec.structs.replace(first, times=first.times - 1) if first.times > 1 else None
            )
            self.refusals = [left, *rest] if left else rest
            raise GraphError(first.code)

    def _accept(self, body: bytes) -> Message:
        try:
            asked = msgspec.json.decode(body, type=_Request)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise GraphError(100, str(error)) from error
        wanted, to = asked.template, asked.to.removeprefix("+")
        template = self._catalogue.find(wanted.name, wanted.language.code)
        parameters = [p.text for component in wanted.components for p in component.parameters]
        _check_words(parameters)
        text = template.filled(parameters)
        if to.endswith(self._numbers.refused):
            raise GraphError(131026, "the number is not on WhatsApp")
        with self._messages.transaction():
            message = self._messages.accept(
                key=asked.biz_opaque_callback_data,
                to=to,
                template=template.name,
                language=template.language,
                parameters=parameters,
                text=text,
            )
            self._progress.begin(message, arrives=not to.endswith(self._numbers.fails_later))
        return message


def _check_words(parameters: list[str]) -> None:
    for text in parameters:
        if not text.strip():
            raise GraphError(131008, "Parameter of type text is missing text value")
        if _UNSENDABLE.search(text):
            raise GraphError(
                132018,
                "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
            )


def _rate_limited() -> Response:
    return GraphError(130429, "Cloud API message throughput has been reached").response()
