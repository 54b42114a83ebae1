"""Templates to phones over Meta's WhatsApp Cloud API.

Request and answer: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
Error codes: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
Meta recognises no repeated request, so nothing here is sent a second time by itself.
"""

import re
from typing import Any, Literal

import msgspec
import urllib3

from shared.domain.notifications import TemplateMessage
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.settings import WhatsAppSettings

MAX_KEY = 512  # of biz_opaque_callback_data, in characters

# Meta's rule for the text of a parameter.
_UNSENDABLE = re.compile(r"[\n\r\t]| {5,}")
# What is long and all digits may be somebody's number.
_NUMBER = re.compile(r"\+?\d{7,}")

# Nothing was sent, for there is a limit; in so many seconds there may be room. Meta names no time.
_LIMITS = {
    4: 300.0,  # calls of our app, over an hour
    613: 60.0,
    80007: 300.0,  # calls for our account, over an hour
    130429: 10.0,  # messages a second
    131048: 3600.0,  # too many readers have blocked us
    131056: 60.0,  # to this reader
    131057: 60.0,  # our account is being moved
}
# Something is wrong with us: the token, the number that we send from, the account.
_OURS = frozenset(
    {0, 3, 10, 33, 102, 190, 368, *range(200, 300)}
    | {131005, 131031, 131037, 131042, 131045, 133000, 133006, 133010, 133015}
)
_OUR_FAULT_WAIT_S = 300.0
# Meta does not say whether anything was sent.
_UNCLEAR = frozenset({1, 2, 131000, 131016, 133004})
# This reader cannot be reached so, or not with this template. Every other code of a 4xx is taken
# so too; these are the ones that are expected, whatever status they come with.
_REFUSED = frozenset(
    {100, 130472, 130497, 131008, 131009, 131021, 131026, 131030, 131047, 131049, 131050, 131051}
    | {132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018}
)
# "The object does not exist or you may not see it": the id of the number that we send from.
_NO_SUCH_OBJECT = (100, 33)


class _Text(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    type: Literal["text"] = "text"


class _Component(msgspec.Struct, frozen=True, kw_only=True):
    parameters: list[_Text]
    type: Literal["body"] = "body"


class _Language(msgspec.Struct, frozen=True, kw_only=True):
    code: str


class _Template(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    language: _Language
    components: list[_Component]


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    to: str
    template: _Template
    biz_opaque_callback_data: str
    messaging_product: Literal["whatsapp"] = "whatsapp"
    recipient_type: Literal["individual"] = "individual"
    type: Literal["template"] = "template"


class _Accepted(msgspec.Struct, frozen=True, kw_only=True):
    id: str


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of Meta's answer; all else in it is ignored."""

    messages: list[_Accepted]


class _Error(msgspec.Struct, frozen=True, kw_only=True):
    code: int = -1
    message: str = ""
    error_subcode: int | None = None


class _Failure(msgspec.Struct, frozen=True, kw_only=True):
    error: _Error = _Error()


class WhatsAppMessenger:
    """Messenger on the Cloud API. Safe to share between threads."""

    def __init__(self, settings: WhatsAppSettings) -> None:
        self._pool = urllib3.PoolManager(
            maxsize=16,
            retries=False,
            timeout=urllib3.Timeout(connect=settings.timeout_s, read=settings.timeout_s),
            headers={
                "authorization": f"Bearer {settings.access_token}",
                "content-type": "application/json",
            },
        )
        self._token = settings.access_token
        base = f"{settings.base_url.rstrip('/')}/{settings.api_version}"
        self._url = f"{base}/{settings.phone_number_id}/messages"

    def send(self, message: TemplateMessage) -> str:
        """See Messenger. The id is Meta's, like ``wamid.HBg…``."""
        refuse_unsendable(message)
        status, body = self._post(msgspec.json.encode(_request(message)))
        if not 200 <= status < 300:  # noqa: PLR2004 - redirects are not followed either
            raise classified(status, body, self._token)
        try:
            return msgspec.json.decode(body, type=_Answer).messages[0].id
        except (msgspec.MsgspecError, UnicodeDecodeError, IndexError) as error:
            raise RetryableError("WhatsApp's answer cannot be read") from error

    def _post(self, body: bytes) -> tuple[int, bytes]:
        try:
            response = self._pool.request("POST", self._url, body=body, redirect=False)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as e:
            raise NotDoneError(f"WhatsApp cannot be reached: {type(e).__name__}") from e
        except urllib3.exceptions.HTTPError as error:
            raise RetryableError(f"WhatsApp did not answer: {type(error).__name__}") from error
        return response.status, response.data


def refuse_unsendable(message: TemplateMessage) -> None:
    """Raise PermanentError for a message that Meta would refuse for its words."""
    for place, text in enumerate(message.parameters, start=1):
        if not text.strip() or _UNSENDABLE.search(text):
            raise PermanentError(
                f"parameter {place} of {message.template} is empty, or has a line break, a tab or"
                " more than four spaces in a row"
            )
    if len(message.key) > MAX_KEY:
        raise PermanentError(f"a message's key has at most {MAX_KEY} characters")


def classified(status: int, body: bytes, token: str) -> Exception:
    """Return what an answer that is no success means for us. Its code counts before its status."""
    try:
        error = msgspec.json.decode(body, type=_Failure).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        error = _Error()  # a proxy's HTML page, or nothing
    code = error.code
    # "Malformed access token" repeats it.
    words = _NUMBER.sub("…", error.message.replace(token, "…"))[:200]
    said = f"WhatsApp answered {status} {code}: {words}"
    if code in _LIMITS or status == 429:  # noqa: PLR2004 - too many requests
        return NotDoneError(said, retry_after=_LIMITS.get(code, 60.0))
    if code in _OURS or (code, error.error_subcode) == _NO_SUCH_OBJECT:
        return NotDoneError(said, retry_after=_OUR_FAULT_WAIT_S)
    if code in _REFUSED:
        return PermanentError(said)
    if code in _UNCLEAR:
        return RetryableError(said)
    return _by_status(status, said)


def _by_status(status: int, said: str) -> Exception:
    if status in {401, 403}:
        return NotDoneError(said, retry_after=_OUR_FAULT_WAIT_S)
    if 400 <= status < 500 and status != 408:  # noqa: PLR2004 - request timeout
        return PermanentError(said)
    return RetryableError(said)


def _request(message: TemplateMessage) -> Any:
    parameters = [_Text(text=text) for text in message.parameters]
    return _Request(
        to=message.to_phone.removeprefix("+"),
        template=_Template(
            name=message.template,
            language=_Language(code=message.language),
            components=[_Component(parameters=parameters)] if parameters else [],
        ),
        biz_opaque_callback_data=message.key,
    )
