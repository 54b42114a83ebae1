"""Gmail API v1 on the wire: drafts that are sent, mails that can be read."""

import base64
import binascii
from datetime import datetime
from email.message import MIMEPart

from starlette.responses import JSONResponse, Response

from local.simulators.google import mails as state
from local.simulators.google.discovery import Api
from local.simulators.google.wire import Call, GoogleError, Handler, Json, page

_USER = "/gmail/v1/users/{userId}"
_MAX_PAGE = 500


class GmailApi:
    """The methods of the Gmail API that the simulator has."""

    def __init__(self, mails: state.Mails) -> None:
        self._mails = mails

    def routes(self) -> dict[str, tuple[str, str, Handler]]:
        """Return ``{method id: (HTTP verb, path, handler)}``."""
        drafts, messages = f"{_USER}/drafts", f"{_USER}/messages"
        return {
            "gmail.users.drafts.create": ("POST", drafts, self.create_draft),
            "gmail.users.drafts.list": ("GET", drafts, self.list_drafts),
            "gmail.users.drafts.send": ("POST", f"{drafts}/send", self.send_draft),
            "gmail.users.drafts.get": ("GET", f"{drafts}/{{id}}", self.get_draft),
            "gmail.users.drafts.delete": ("DELETE", f"{drafts}/{{id}}", self.delete_draft),
            "gmail.users.messages.list": ("GET", messages, self.list_messages),
            "gmail.users.messages.get": ("GET", f"{messages}/{{id}}", self.get_message),
        }

    def create_draft(self, call: Call) -> Response:
        message = call.body.get("message")
        if message is None:
            raise _argument("Missing draft message")
        draft = self._mails.create_draft(call.path["userId"], _decoded(message.get("raw")))
        return JSONResponse({"id": draft["id"], "message": _draft_stub(draft)})

    def list_drafts(self, call: Call) -> Response:
        drafts = self._mails.drafts(call.path["userId"])
        size = min(call.query["maxResults"], _MAX_PAGE)
        shown, following = page(drafts, call.query.get("pageToken"), size)
        items = [{"id": d["id"], "message": _reference(d["message_id"])} for d in shown]
        return JSONResponse(_listed("drafts", items, following, len(drafts)))

    def send_draft(self, call: Call) -> Response:
        if not call.body.get("id"):
            raise _argument("Missing draft id")
        if call.body.get("message"):
            raise _argument("This simulator sends a draft as it was stored: no new message.")
        mail = self._mails.send_draft(call.path["userId"], call.body["id"])
        return JSONResponse(_reference(mail["id"]) | {"labelIds": ["SENT"]})

    def get_draft(self, call: Call) -> Response:
        draft = self._mails.draft(call.path["userId"], call.path["id"])
        content = _content(draft["raw"].encode("latin-1"), call.query["format"])
        return JSONResponse({"id": draft["id"], "message": _draft_stub(draft) | content})

    def delete_draft(self, call: Call) -> Response:
        self._mails.delete_draft(call.path["userId"], call.path["id"])
        return Response(status_code=204)

    def list_messages(self, call: Call) -> Response:
        terms = (call.query.get("q") or "").split()
        found = [m for m in reversed(self._mails.sent()) if all(_matches(m, t) for t in terms)]
        size = min(call.query["maxResults"], _MAX_PAGE)
        shown, following = page(found, call.query.get("pageToken"), size)
        items = [_reference(mail["id"]) for mail in shown]
        return JSONResponse(_listed("messages", items, following, len(found)))

    def get_message(self, call: Call) -> Response:
        mail = self._mails.mail(call.path["id"])
        raw = self._mails.raw(mail["id"])
        sent_ms = int(datetime.fromisoformat(mail["sent_at"]).timestamp() * 1000)
        resource = _reference(mail["id"]) | {
            "labelIds": ["SENT"],
            "snippet": mail["snippet"],
            "internalDate": str(sent_ms),
            "sizeEstimate": len(raw),
        }
        return JSONResponse(resource | _content(raw, call.query["format"]))


def api() -> Api:
    """Return the checker for the methods above."""
    drafts = [f"gmail.users.drafts.{n}" for n in ("create", "list", "send", "get", "delete")]
    return Api("gmail.v1.json", [*drafts, "gmail.users.messages.list", "gmail.users.messages.get"])


def _argument(message: str) -> GoogleError:
    return GoogleError(400, "invalidArgument", message)


def _decoded(raw: str | None) -> bytes:
    if not raw:
        raise _argument(
            "'raw' RFC822 payload message string or uploading message via /upload/* URL required"
        )
    try:
        return base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise _argument(
            "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed"
        ) from error


def _reference(message_id: str) -> Json:
    return {"id": message_id, "threadId": message_id}


def _draft_stub(draft: Json) -> Json:
    return _reference(draft["message_id"]) | {"labelIds": ["DRAFT"]}


def _listed(name: str, items: list[Json], following: str | None, total: int) -> Json:
    # Gmail leaves an empty list out.
    listed: Json = {name: items} if items else {}
    token = {"nextPageToken": following} if following else {}
    return listed | token | {"resultSizeEstimate": total}


def _matches(mail: Json, term: str) -> bool:
    field, _, value = term.lower().partition(":")
    if field == "to":
        return value in " ".join(state.everyone(mail)).lower()
    return term.lower() in f"{mail['subject']} {mail['from']} {mail['text']}".lower()


def _content(raw: bytes, form: str) -> Json:
    if form == "minimal":
        return {}
    if form == "raw":
        return {"raw": base64.urlsafe_b64encode(raw).decode()}
    payload = _part(state.parse(raw), "")
    if form == "metadata":
        payload = {key: payload[key] for key in ("mimeType", "headers")}
    return {"payload": payload}


def _part(part: MIMEPart, part_id: str) -> Json:
    resource: Json = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": part.get_filename() or "",
        "headers": [{"name": name, "value": str(value)} for name, value in part.items()],
    }
    if part.is_multipart():
        prefix = f"{part_id}." if part_id else ""
        children = [_part(c, f"{prefix}{i}") for i, c in enumerate(part.iter_parts())]
        return resource | {"body": {"size": 0}, "parts": children}
    content = part.get_payload(decode=True)
    data = content if isinstance(content, bytes) else b""
    encoded = base64.urlsafe_b64encode(data).decode()
    return resource | {"body": {"size": len(data), "data": encoded}}
